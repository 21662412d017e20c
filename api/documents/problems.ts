/** The problem documents of a route, for OpenAPI: which codes it may answer with, and what they look like. */
import { ERROR_KINDS, type ErrorCode } from "../errors.ts";
import { REQUEST_ID, RETRY_AFTER_STATUSES, reference } from "./headers.ts";
import type { JsonSchema } from "./jsonSchema.ts";

/**
 * What any route may answer. `malformed-request`, `request-timeout` and `headers-too-large` come before there is a route;
 * GraphQL's own are GraphQL's.
 */
const ALWAYS: readonly ErrorCode[] = [
  "invalid-parameter",
  "method-not-allowed",
  "uri-too-long",
  "rate-limited",
  "internal",
  "indexing",
  "stale",
  "database-unavailable",
  "busy",
  "shutting-down",
  "timeout",
];

// Object.keys forgets what the keys are; ERROR_KINDS has no others.
const CODES = Object.keys(ERROR_KINDS) as readonly ErrorCode[];

/** The codes of a route, by what it takes and what it says of itself. */
export function problemCodes(
  answers: "one" | "list" | "events",
  query: Readonly<Record<string, unknown>>,
  own: readonly ErrorCode[] = [],
): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([...ALWAYS, ...own]);
  if (answers === "list" && "after" in query) codes.add("invalid-cursor").add("cursor-expired");
  if ("at" in query) codes.add("at-in-future");
  return CODES.filter((code) => codes.has(code));
}

/** RFC 9457. Members that only some codes have are optional. */
export const PROBLEM_SCHEMA: JsonSchema = {
  type: "object",
  description:
    "A problem (RFC 9457). Some codes have further members, which say to programs what `detail` says to people.",
  properties: {
    type: { type: "string", description: "URI that explains the code: `/docs/errors#code`." },
    title: { type: "string", description: "The code in words." },
    status: { type: "integer", description: "The HTTP status." },
    code: { type: "string", enum: CODES, description: "Stable; one per cause." },
    detail: { type: "string", description: "What is wrong here, and what to do." },
    instance: { type: "string", description: "The path that was asked." },
    requestId: { type: "string", description: "Under which the log has it; also in `X-Request-Id`." },
    parameter: { type: "string", description: "The first parameter that was refused." },
    value: { type: ["string", "null"], description: "As it was given, shortened." },
    rule: { type: "string", description: "What it must be." },
    errors: {
      type: "array",
      description: "Of `invalid-parameter`: every parameter that was refused.",
      items: {
        type: "object",
        properties: {
          parameter: { type: "string", description: "Its name." },
          value: { type: ["string", "null"], description: "As it was given, shortened." },
          rule: { type: "string", description: "What it must be." },
        },
        required: ["parameter", "value", "rule"],
      },
    },
  },
  required: ["type", "title", "status", "code", "detail", "instance", "requestId"],
  additionalProperties: true,
};

const REFUSED = { parameter: "limit", value: "0", rule: "a whole number from 1 to 1000" };

/** What examples say where a code's help would not do. */
const INSTANCES: Partial<Record<ErrorCode, Readonly<Record<string, unknown>>>> = {
  "invalid-parameter": { detail: `limit: "0": ${REFUSED.rule}`, ...REFUSED, errors: [REFUSED] },
  "at-in-future": {
    detail:
      "at: 1790009999 is after the newest indexed block's time, 1790000040; give that or an earlier one",
    parameter: "at",
    value: "1790009999",
    rule: "at most 1790000040",
    newestBlock: 4_810_226,
    newestBlockTime: 1_790_000_040,
  },
  stale: {
    detail: "The newest block of og is 75 s old; maxLag allows 60 s.",
    chain: "og",
    lagSeconds: 75,
    maxLag: 60,
    blockNumber: 4_810_226,
    blockTime: 1_790_000_040,
  },
  "rate-limited": {
    detail: "This request costs 100 units and 40 are left; 600 are added per minute. Wait 6 s.",
    cost: 100,
    remaining: 40,
  },
  internal: { detail: "See the log under requestId." },
};

/** An example of every code, for `components.examples`. */
export const problemExamples = () =>
  Object.fromEntries(
    CODES.map((code) => {
      const { status, title, help } = ERROR_KINDS[code];
      const value = {
        type: `/docs/errors#${code}`,
        title,
        status,
        code,
        detail: help,
        instance: "/v1/nodes",
        requestId: "6f9619ff-8b86-4d01-b42d-00c04fc964ff",
        ...INSTANCES[code],
      };
      return [code, { summary: title, value }];
    }),
  );

const STATUSES: Readonly<Record<number, string>> = {
  400: "The request is invalid.",
  404: "Not found.",
  405: "The path does not allow this method.",
  409: "The answer does not exist yet.",
  410: "The cursor has expired.",
  414: "The URL is too long.",
  429: "The client's rate limit is used up.",
  500: "Internal error.",
  503: "Temporarily unavailable.",
};

const statusesOf = (codes: readonly ErrorCode[]): readonly number[] =>
  [...new Set(codes.map((code) => ERROR_KINDS[code].status))].sort((a, b) => a - b);

const ofStatus = (codes: readonly ErrorCode[], status: number): readonly ErrorCode[] =>
  codes.filter((code) => ERROR_KINDS[code].status === status);

/** Statuses that mean the same on every route, for `components.responses`. */
const COMMON = statusesOf(ALWAYS).filter((status) => status !== 400);

export const problemComponents = () =>
  Object.fromEntries(
    COMMON.map((status) => [`Problem${status}`, problemResponse(status, ofStatus(ALWAYS, status))]),
  );

/** Responses by status, each with its codes. */
export const problemResponses = (codes: readonly ErrorCode[]): Readonly<Record<string, object>> =>
  Object.fromEntries(
    statusesOf(codes).map((status) => [
      status,
      COMMON.includes(status)
        ? { $ref: `#/components/responses/Problem${status}` }
        : problemResponse(status, ofStatus(codes, status)),
    ]),
  );

const problemResponse = (status: number, codes: readonly ErrorCode[]) => ({
  description: `${STATUSES[status] ?? "A problem."} ${codes.map((code) => `\`${code}\``).join(", ")}`,
  headers: reference([
    REQUEST_ID,
    ...(status === 405 ? ["Allow"] : []),
    ...(RETRY_AFTER_STATUSES.includes(status) ? ["Retry-After"] : []),
  ]),
  content: problemContent(codes),
});

/** The body of a problem that has one of these codes. */
export const problemContent = (codes: readonly ErrorCode[]) => ({
  "application/problem+json": {
    schema: { $ref: "#/components/schemas/Problem" },
    examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
  },
});

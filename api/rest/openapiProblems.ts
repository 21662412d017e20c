/** The problem documents of a route, for OpenAPI: which codes it may answer with, and what they look like. */
import { ERROR_KINDS, type ErrorCode } from "../errors.ts";
import type { JsonSchema } from "./openapiExamples.ts";

/** What any route may answer; `malformed-request`, `request-timeout` and `headers-too-large` come before there is a route. */
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
const OF_LISTS: readonly ErrorCode[] = ["invalid-cursor", "cursor-expired"];

/** The codes of a route, by what it takes and what it says of itself. */
export function problemCodes(
  answers: "one" | "list",
  query: Readonly<Record<string, unknown>>,
  own: readonly ErrorCode[],
): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([...ALWAYS, ...own]);
  if (answers === "list") for (const code of OF_LISTS) codes.add(code);
  if ("at" in query) codes.add("at-in-future");
  return codesInOrder().filter((code) => codes.has(code));
}

// Object.keys forgets what the keys are; ERROR_KINDS has no others.
const codesInOrder = (): readonly ErrorCode[] => Object.keys(ERROR_KINDS) as ErrorCode[];

/** RFC 9457. Members that only some codes have are optional. */
export const PROBLEM_SCHEMA: JsonSchema = {
  type: "object",
  description:
    "A problem (RFC 9457). Some codes have further members, which say the same as `detail` to programs.",
  properties: {
    type: { type: "string", description: "URI that explains the code: `/docs/errors#code`." },
    title: { type: "string" },
    status: { type: "integer", description: "The HTTP status." },
    code: { type: "string", enum: codesInOrder(), description: "Stable; one per cause." },
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
          parameter: { type: "string" },
          value: { type: ["string", "null"] },
          rule: { type: "string" },
        },
        required: ["parameter", "value", "rule"],
      },
    },
  },
  required: ["type", "title", "status", "code", "detail", "instance", "requestId"],
  additionalProperties: true,
};

/** What the examples of some codes say; others say their help. */
const DETAILS: Partial<Record<ErrorCode, Readonly<Record<string, unknown>>>> = {
  "invalid-parameter": {
    detail: 'limit: "0": a whole number from 1 to 1000',
    parameter: "limit",
    value: "0",
    rule: "a whole number from 1 to 1000",
    errors: [{ parameter: "limit", value: "0", rule: "a whole number from 1 to 1000" }],
  },
};

/** An example of every code, for `components.examples`. */
export function problemExamples(): Readonly<Record<string, { summary: string; value: unknown }>> {
  return Object.fromEntries(
    codesInOrder().map((code) => {
      const { status, title, help } = ERROR_KINDS[code];
      const value = {
        type: `/docs/errors#${code}`,
        title,
        status,
        code,
        detail: help,
        instance: "/v1/nodes",
        requestId: "6f9619ff-8b86-4d01-b42d-00c04fc964ff",
        ...DETAILS[code],
      };
      return [code, { summary: title, value }];
    }),
  );
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: "The question cannot be understood.",
  404: "There is no such thing.",
  405: "The path does not have this method.",
  409: "There is nothing that could be answered yet.",
  410: "What it belongs to can no longer be served.",
  414: "The URL is too long.",
  429: "The client's share is used up.",
  500: "Something went wrong here.",
  503: "There is no answer right now.",
};

/** Responses by status, each with its codes. Statuses that any route shares are components. */
export function problemResponses(codes: readonly ErrorCode[]): Readonly<Record<string, unknown>> {
  const statuses = [...new Set(codes.map((code) => ERROR_KINDS[code].status))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = codes.filter((code) => ERROR_KINDS[code].status === status);
      return [status, problemResponse(status, ofStatus)];
    }),
  );
}

const problemResponse = (status: number, codes: readonly ErrorCode[]) => ({
  description: `${STATUS_NAMES[status] ?? "A problem."} ${codes.map((code) => `\`${code}\``).join(", ")}`,
  headers: {
    "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" },
    ...(status === 405 ? { Allow: { $ref: "#/components/headers/Allow" } } : {}),
    ...(status === 429 || status === 503
      ? { "Retry-After": { $ref: "#/components/headers/Retry-After" } }
      : {}),
  },
  content: {
    "application/problem+json": {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Problem" },
          { type: "object", properties: { code: { type: "string", enum: codes } }, required: ["code"] },
        ],
      },
      examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
    },
  },
});

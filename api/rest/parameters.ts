/** Query and path parameters: each knows its rule in words, because a refusal names it. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { MAX_TIME, TIME_RULE, timeInSmallerUnit } from "../queries/state/moment.ts";
import { LIST_FORMATS, type ListFormat } from "./listFormat.ts";

const matching = (pattern: RegExp, rule: string) =>
  z
    .string({ error: rule })
    .trim()
    .regex(pattern, { error: rule })
    .transform((text) => text.toLowerCase());

/** Without a description of its own a parameter has that of its name. */
const described = (description: string | undefined) => (description === undefined ? {} : { description });

const integer = (min: number, max: number, rule: string) =>
  z
    .string({ error: rule })
    .regex(/^\d{1,16}$/, { error: rule })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: rule });

/** 20 bytes; any letter case is accepted, that of the prefix too, and lower case is answered. */
export const addressParameter = () =>
  matching(/^0[xX][0-9a-fA-F]{40}$/, "a 20-byte address, 0x and 40 hex digits").openapi({
    type: "string",
    pattern: "^0[xX][0-9a-fA-F]{40}$",
  });

/** 32 bytes. */
export const hashParameter = () =>
  matching(/^0[xX][0-9a-fA-F]{64}$/, "a 32-byte hash, 0x and 64 hex digits").openapi({
    type: "string",
    pattern: "^0[xX][0-9a-fA-F]{64}$",
  });

/** A Walrus blob id: 32 bytes in base64url without padding. Letter case is part of it. */
export const blobIdParameter = () => {
  const rule = "a Walrus blob id, 43 characters of base64url";
  return z
    .string({ error: rule })
    .regex(/^[A-Za-z0-9_-]{43}$/, { error: rule })
    .openapi({ type: "string", pattern: "^[A-Za-z0-9_-]{43}$" });
};

/** A comma-separated selection of values; order and repetitions mean nothing. */
const listOf = (one: z.ZodType<string>, rule: string, description: string) =>
  z
    .string({ error: rule })
    .transform((text, context): readonly string[] => {
      const values = text.split(",").map((part) => one.safeParse(part));
      const given = values.flatMap(({ data }) => (data === undefined ? [] : [data]));
      if (given.length === values.length && given.length <= MAX_LISTED) return [...new Set(given)].sort();
      context.addIssue({ code: "custom", message: rule });
      return z.NEVER;
    })
    .openapi({ type: "string", description });
const MAX_LISTED = 100;

export const addressListParameter = (description: string) =>
  listOf(
    addressParameter(),
    `1 to ${MAX_LISTED} 20-byte addresses, 0x and 40 hex digits each, comma-separated`,
    description,
  );

export const hashListParameter = (description: string) =>
  listOf(
    hashParameter(),
    `1 to ${MAX_LISTED} 32-byte hashes, 0x and 64 hex digits each, comma-separated`,
    description,
  );

/** A number with at most six decimals. */
export const decimalParameter = (min: number, max: number, description: string) => {
  const rule = `a number from ${min} to ${max}, with at most 6 decimals`;
  return z
    .string({ error: rule })
    .regex(/^\d{1,9}(\.\d{1,6})?$/, { error: rule })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: rule })
    .openapi({ type: "number", minimum: min, maximum: max, description });
};

/** Unix seconds up to the year 3000: a later time is one in a smaller unit, and is told so. */
export const timeParameter = (description?: string) =>
  z
    .string({ error: TIME_RULE })
    .regex(/^\d{1,30}$/, { error: TIME_RULE })
    .refine((text) => Number(text) <= MAX_TIME, {
      error: ({ input }) => `${TIME_RULE}${timeInSmallerUnit(Number(input))}`,
      abort: true,
    })
    .transform(Number)
    .openapi({ type: "integer", minimum: 0, maximum: MAX_TIME, ...described(description) });

export const integerParameter = (min: number, max: number, description?: string) =>
  integer(min, max, `a whole number from ${min} to ${max}`).openapi({
    type: "integer",
    minimum: min,
    maximum: max,
    ...described(description),
  });

export const oneOfParameter = <const T extends readonly [string, ...string[]]>(
  values: T,
  description?: string,
) =>
  z
    .enum(values, { error: `${values.length > 1 ? "one of " : ""}${values.join(", ")}` })
    .openapi(described(description));

export const booleanParameter = (description?: string) =>
  z
    .enum(["true", "false"], { error: "true or false" })
    .transform((text) => text === "true")
    .openapi({ type: "boolean", ...described(description) });

/** Text to compare with what was stored; Postgres takes no NUL. */
export const textParameter = () => {
  const rule = `1 to ${MAX_TEXT_LENGTH} characters without NUL`;
  return z
    .string({ error: rule })
    .min(1, { error: rule })
    .max(MAX_TEXT_LENGTH, { error: rule })
    .refine((text) => !text.includes("\0"), { error: rule })
    .openapi({ type: "string", minLength: 1, maxLength: MAX_TEXT_LENGTH });
};
const MAX_TEXT_LENGTH = 1_024;

/** A comma-separated selection of words. */
export const wordsParameter = <const T extends string>(words: readonly T[], description: string) => {
  const rule = `${words.join(", ")}, comma-separated`;
  return z
    .string({ error: rule })
    .transform((text, context): readonly T[] => {
      const given = text.split(",").map((word) => word.trim());
      const chosen = words.filter((word) => given.includes(word));
      if (given.every((word) => words.some((known) => known === word))) return chosen;
      context.addIssue({ code: "custom", message: rule });
      return z.NEVER;
    })
    .openapi({ type: "string", description, examples: [words[0]] });
};

/** One registry, or `all`; the first configured one when it is not given. */
export const registryParameter = () =>
  matching(/^(0x[0-9a-f]{40}|all)$/i, "a registry's 20-byte address, 0x and 40 hex digits, or all").openapi({
    type: "string",
    description: "Registry address, or `all`. Default: the first configured registry.",
  });

/** Of every path. */
export const freshnessParameters = {
  maxLag: integer(0, Number.MAX_SAFE_INTEGER, "a lag in seconds, a whole number from 0").optional().openapi({
    type: "integer",
    minimum: 0,
  }),
};

export const MAX_ITEMS = 1_000;
const DEFAULT_ITEMS = 50;

/** Of every list. */
export const listParameters = {
  ...freshnessParameters,
  limit: integer(1, MAX_ITEMS, `a whole number from 1 to ${MAX_ITEMS}`).default(DEFAULT_ITEMS).openapi({
    type: "integer",
    minimum: 1,
    maximum: MAX_ITEMS,
    default: DEFAULT_ITEMS,
    description: "The most items of a page.",
  }),
  after: z.string({ error: "the endCursor of a page" }).optional(),
  format: oneOfParameter(
    LIST_FORMATS,
    "`csv`: a column for each field, `outer.inner` for those inside of another. `ndjson`: an item a line.",
  ).default("json"),
  all: booleanParameter("Walk every page, to one pinned block; `limit` is the pages' size.")
    .default(false)
    .openapi({ default: false }),
};

/** What every list is asked with. */
export interface ListQuery {
  readonly limit: number;
  readonly after?: string | undefined;
  readonly format: ListFormat;
  readonly all: boolean;
  readonly maxLag?: number | undefined;
  /** Of lists that are known at past moments; unix seconds. */
  readonly at?: number | undefined;
}

/** The moment that an answer is about. */
export const atParameter = () => timeParameter().optional();

/**
 * Bounds a page whose items are made larger by `include`.
 * @throws {ApiError} `invalid-parameter` for a larger one.
 */
export function refuseLargePage(
  { limit, include }: { readonly limit: number; readonly include: readonly string[] },
  word: string,
  most: number,
): void {
  if (!include.includes(word) || limit <= most) return;
  const rule = `a whole number from 1 to ${most} with include=${word}`;
  const value = String(limit);
  throw new ApiError("invalid-parameter", `limit: "${value}": ${rule}`, { parameter: "limit", value, rule });
}

/** Parameters that shape how rows are shown, not which rows there are: a cursor survives their change. */
const PRESENTATION_PARAMETERS: ReadonlySet<string> = new Set([
  "limit",
  "after",
  "format",
  "all",
  "maxLag",
  "include",
]);

/** The parameters that decide which rows there are and in what order. */
export const withoutPresentation = (
  query: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(query).filter(([name]) => !PRESENTATION_PARAMETERS.has(name)));

/** Filters of lists: GraphQL input fields and checked values, both by the kinds in the list's definition. */
import type { InputFieldBuilder, InputFieldRef } from "@pothos/core";
import type { FilterKind, Filters, FilterValues, OneOf } from "../../queries/state/filters.ts";
import { brokenRangeRule } from "../../queries/state/moment.ts";
import { refuseArgument } from "../execution/limits/refuseArgument.ts";
import type { builder } from "./builder.ts";

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;

/** A list's filters as GraphQL gives them, where null and absent are the same. */
export type FilterInput<F extends Filters> = {
  readonly [Name in keyof F]?: FilterValues<F>[Name] | null | undefined;
};

/** The enums of those filters that take one of several values. */
type FilterEnums<F extends Filters> = {
  readonly [Name in keyof F as F[Name] extends OneOf ? Name : never]: PothosSchemaTypes.EnumRef<
    Types,
    NonNullable<FilterValues<F>[Name]> & string
  >;
};

type FilterFields<F extends Filters> = {
  [Name in keyof F]: InputFieldRef<Types, FilterValues<F>[Name] | null | undefined>;
};

const SCALARS = {
  address: "Address",
  hash: "Hex",
  "blob-id": "String",
  text: "String",
  boolean: "Boolean",
  time: "Timestamp",
  "whole-number": "Int",
} as const satisfies Record<Exclude<FilterKind["kind"], "one-of">, string>;

/** The input fields of a list's filters. */
export function filterFields<F extends Filters>(
  t: InputFieldBuilder<Types, "InputObject">,
  filters: F,
  enums: FilterEnums<F>,
  descriptions: { readonly [Name in keyof F]?: string },
): FilterFields<F> {
  const enumOf: Readonly<Record<string, PothosSchemaTypes.EnumRef<Types, string>>> = enums;
  const fields = Object.entries(filters).map(([name, { kind }]) => {
    const type = kind === "one-of" ? enumOf[name] : SCALARS[kind];
    if (type === undefined) throw new Error(`${name}: a filter of several values needs their enum`);
    return [name, t.field({ type, description: descriptions[name] })];
  });
  // Each field's type was chosen by its filter's kind.
  return Object.fromEntries(fields) as FilterFields<F>;
}

/** Descriptions of the two ends of a time range. @param what - what happens at that time: "Settled", "Paid". */
export const timeRange = (what: string) => ({
  from: `${what} at or after this, unix seconds; not after \`to\`.`,
  to: `${what} before this, unix seconds.`,
});

/** 32 bytes of hex. @throws {ApiError} `invalid-parameter` for another length. */
export function hash32(parameter: string, hex: string): string {
  if (hex.length !== 66)
    throw refuseArgument(parameter, hex.slice(0, 100), "a 32-byte hash, 0x and 64 hex digits");
  return hex;
}

/** @throws {ApiError} `invalid-parameter` for a number outside the bounds; null and absent pass. */
export function numberWithin(
  parameter: string,
  value: number | null | undefined,
  min: number,
  max: number,
): void {
  if (value != null && !(value >= min && value <= max))
    throw refuseArgument(parameter, value, `a number from ${min} to ${max}`);
}

/** @throws {ApiError} `invalid-parameter` for a range that ends before it begins. */
export function refuseBackwards({ from, to }: { readonly from?: unknown; readonly to?: unknown }): void {
  if (typeof from !== "number" || typeof to !== "number") return;
  const rule = brokenRangeRule({ from, to });
  if (rule !== null) throw refuseArgument("from", from, rule);
}

const BLOB_ID = /^[A-Za-z0-9_-]{43}$/;

/** Longest text that a filter compares with stored text, as in REST. */
const MAX_TEXT_LENGTH = 1_024;

/** Checks what the scalars do not. @throws {ApiError} `invalid-parameter`. */
function requireKind(parameter: string, value: unknown, kind: FilterKind["kind"]): void {
  if (typeof value !== "string") return;
  if (kind === "hash") hash32(parameter, value);
  if (kind === "blob-id" && !BLOB_ID.test(value))
    throw refuseArgument(parameter, value.slice(0, 100), "a Walrus blob id, 43 characters of base64url");
  if (kind === "text" && value.length > MAX_TEXT_LENGTH)
    throw refuseArgument(parameter, value, `at most ${MAX_TEXT_LENGTH.toLocaleString("en-US")} characters`);
}

/**
 * The filters of a request, without nulls, together with those that the field's object fixes.
 * @throws {ApiError} `invalid-parameter` for a hash, blob id or text of a wrong length or form, for a range that ends before
 * it begins, and for a filter that contradicts the object.
 */
export function filtersOf<F extends Filters>(
  filters: F,
  input: FilterInput<F> | null | undefined,
  fixed: FilterValues<F> = {},
): FilterValues<F> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input ?? {})) {
    const kind = filters[name]?.kind;
    if (value === null || value === undefined || kind === undefined) continue;
    requireKind(name, value, kind);
    values[name] = value;
  }
  refuseBackwards(values);
  for (const [name, value] of Object.entries(fixed)) {
    if (values[name] !== undefined && values[name] !== value)
      throw refuseArgument(name, values[name], `this list is that of ${String(value)}; leave the filter out`);
    values[name] = value;
  }
  // Both sources have values of these types, and nulls are dropped.
  return values as FilterValues<F>;
}

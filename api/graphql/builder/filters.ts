/** Filters as GraphQL gives them, where null and absent are the same, made into those that queries take. */
import { brokenRangeRule } from "../../queries/state/moment.ts";
import { refuseArgument } from "../execution/refuseArgument.ts";

type Given<F> = { readonly [K in keyof F]?: Exclude<F[K], null | undefined> };

/** 32 bytes of hex. @throws {ApiError} `invalid-parameter` for another length. */
export function hash32(parameter: string, hex: string): string {
  if (hex.length !== 66)
    throw refuseArgument(parameter, hex.slice(0, 100), "a 32-byte hash, 0x and 64 hex digits");
  return hex;
}

/** @throws {ApiError} `invalid-parameter` for a number that is given and lies outside. */
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

/** @throws {ApiError} `invalid-parameter` for what no Walrus blob is called. */
function blobId(text: string): string {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text))
    throw refuseArgument("blobId", text.slice(0, 100), "a Walrus blob id, 43 characters of base64url");
  return text;
}

/** Filters that compare with a hash. */
const HASHES = new Set([
  "teeId",
  "pcrHash",
  "merkleRoot",
  "inputHash",
  "outputHash",
  "inferenceId",
  "txHash",
]);

/** Of text that is compared with what was stored, as in REST. */
const MAX_TEXT_LENGTH = 1_024;

/** @throws {ApiError} `invalid-parameter` for text that is longer than any there is. */
export function refuseLongText(parameter: string, text: string): void {
  if (text.length > MAX_TEXT_LENGTH)
    throw refuseArgument(parameter, text, `at most ${MAX_TEXT_LENGTH.toLocaleString("en-US")} characters`);
}

function checkedText(name: string, value: string): string {
  if (name === "blobId") return blobId(value);
  if (HASHES.has(name)) return hash32(name, value);
  refuseLongText(name, value);
  return value;
}

/**
 * A filter without its nulls, narrowed by what the list's owner fixes.
 * @throws {ApiError} `invalid-parameter` for hashes that are none, for a range that ends before it begins, and for a filter
 * that contradicts the owner.
 */
export function filtersOf<F extends object, X extends object>(
  filter: F | null | undefined,
  fixed: X,
): Given<F> & X {
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(filter ?? {})) {
    if (value === null || value === undefined) continue;
    given[name] = typeof value === "string" ? checkedText(name, value) : value;
  }
  refuseBackwards(given);
  for (const [name, value] of Object.entries(fixed)) {
    if (given[name] !== undefined && given[name] !== value)
      throw refuseArgument(name, given[name], `this list is that of ${String(value)}; leave the filter out`);
    given[name] = value;
  }
  // Exactly the entries of both, without nulls.
  return given as Given<F> & X;
}

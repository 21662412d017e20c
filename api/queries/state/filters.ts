/** Filters of lists by kind: both APIs check a value, and document it, by its filter's kind. */

export interface OneOf<Values extends readonly [string, ...string[]] = readonly [string, ...string[]]> {
  readonly kind: "one-of";
  readonly values: Values;
}

/** A whole number, both bounds included. */
export interface WholeNumber {
  readonly kind: "whole-number";
  readonly min: number;
  readonly max: number;
}

/**
 * `address` is 20 bytes of hex, `hash` 32 bytes of hex, `blob-id` a Walrus blob id in base64url, `text` is compared with what
 * was stored, `time` is in unix seconds.
 */
export type FilterKind =
  | { readonly kind: "address" | "hash" | "blob-id" | "text" | "boolean" | "time" }
  | OneOf
  | WholeNumber;

/** The filters of one list by name, in the order in which they are documented. */
export type Filters = Readonly<Record<string, FilterKind>>;

type ValueOf<Kind extends FilterKind> = Kind extends { readonly values: readonly (infer Value)[] }
  ? Value
  : Kind extends { readonly kind: "boolean" }
    ? boolean
    : Kind extends { readonly kind: "time" | "whole-number" }
      ? number
      : string;

/** What a question gives for a list's filters; every filter may be left out. */
export type FilterValues<F extends Filters> = {
  readonly [Name in keyof F]?: ValueOf<F[Name]> | undefined;
};

export const ADDRESS = { kind: "address" } as const;
export const HASH = { kind: "hash" } as const;
export const BLOB_ID = { kind: "blob-id" } as const;
export const TEXT = { kind: "text" } as const;
export const BOOLEAN = { kind: "boolean" } as const;
const TIME = { kind: "time" } as const;

export const oneOf = <const Values extends readonly [string, ...string[]]>(
  values: Values,
): OneOf<Values> => ({ kind: "one-of", values });

export const wholeNumber = (min: number, max: number): WholeNumber => ({ kind: "whole-number", min, max });

/** `from` inclusive, `to` exclusive: the two ends of a `TimeRange`. */
export const TIME_RANGE = { from: TIME, to: TIME } as const;

/** The contracts' `uint8`. */
export const TEE_TYPE = wholeNumber(0, 255);

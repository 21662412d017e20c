import { ApiError } from "../../../errors.ts";

/** A number as messages show it. */
export const shownCount = (value: number): string => value.toLocaleString("en-US");

/**
 * The refusal of a query that exceeds a limit: it names the amount, the limit and what to cut.
 * @param what - completes "The query …", such as "has 51 aliases".
 */
export function tooCostly(
  what: string,
  { used, limit }: { readonly used: number; readonly limit: number },
  advice: string,
  facts = {},
): ApiError {
  return new ApiError("query-too-costly", `The query ${what}; the limit is ${shownCount(limit)}. ${advice}`, {
    used,
    limit,
    ...facts,
  });
}

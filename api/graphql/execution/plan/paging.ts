/** Relay's four paging arguments. */
import { refuseArgument } from "../limits/refuseArgument.ts";

export interface PagingArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

export interface Paging {
  readonly direction: "forward" | "backward";
  readonly size: number;
  /** Cursor of the row that the page begins after; null for the first page. */
  readonly cursor: string | null;
}

export const MAX_ITEMS = 100;
export const DEFAULT_ITEMS = 20;

/** @throws {ApiError} `invalid-parameter` for sizes beyond 0 to 100 and for arguments of both directions at once. */
export function pagingOf({ first, after, last, before }: PagingArguments): Paging {
  const backward = last != null || before != null;
  if (backward && first != null)
    throw refuseArgument(
      "first",
      first,
      "goes with after; last and before page backward, so leave first out",
    );
  if (backward && after != null)
    throw refuseArgument(
      "after",
      after,
      "goes with first; last and before page backward, so leave after out",
    );
  const [parameter, size] = backward ? ["last", last ?? DEFAULT_ITEMS] : ["first", first ?? DEFAULT_ITEMS];
  if (size < 0 || size > MAX_ITEMS)
    throw refuseArgument(parameter, size, `a whole number from 0 to ${MAX_ITEMS}`);
  return backward
    ? { direction: "backward", size, cursor: before ?? null }
    : { direction: "forward", size, cursor: after ?? null };
}

/** The size of a page as the planner assumes it; invalid sizes are refused by the resolver. */
export function pageSizeOf(args: Readonly<Record<string, unknown>>): number {
  const sizes = [args.first, args.last].filter((size) => typeof size === "number");
  return Math.min(MAX_ITEMS, Math.max(0, ...(sizes.length === 0 ? [DEFAULT_ITEMS] : sizes)));
}

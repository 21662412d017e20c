/** How long a list is, by the list's own statement: no second set of conditions that could differ from the first. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Page, PageRequest } from "./page.ts";

/** Lists are counted up to here. */
export const MAX_COUNTED = 10_000;

export interface ListLength {
  /** Rows of the list, at most `MAX_COUNTED`. */
  readonly counted: number;
  readonly extent: "exact" | "at-least";
}

const EVERYTHING: PageRequest = { limit: MAX_COUNTED, after: null };

/** The length of a list of which it is known how many items it has. */
export const countedItems = (rows: number): ListLength => ({
  counted: Math.min(rows, MAX_COUNTED),
  extent: rows > MAX_COUNTED ? "at-least" : "exact",
});

/**
 * Counts the rows of a list whose first statement selects one row per item: it is run with only its number of rows in
 * demand, which spares Postgres all columns but those of conditions and order.
 */
export async function countList(
  transaction: ReadTransaction,
  list: (transaction: ReadTransaction, page: PageRequest) => Promise<Page<unknown>>,
): Promise<ListLength> {
  let rows: number | undefined;
  const count = async (query: SQL): Promise<readonly never[]> => {
    if (rows !== undefined) return [];
    const [total] = await transaction.rows<{ total: number }>(
      sql`select count(*) as total from (${query}) listed`,
    );
    rows = total?.total ?? 0;
    return [];
  };
  await list({ rows: count, attempt: count }, EVERYTHING);
  return countedItems(rows ?? 0);
}

/** The same for a list that is put together here: its items are counted. */
export async function countItems(
  transaction: ReadTransaction,
  list: (transaction: ReadTransaction, page: PageRequest) => Promise<Page<unknown>>,
): Promise<ListLength> {
  const { items, hasNextPage } = await list(transaction, EVERYTHING);
  return countedItems(items.length + Number(hasNextPage));
}

/** Keyset pages. Every order ends in a unique key; a page asks for one row more than it shows. */
import { type SQL, sql } from "drizzle-orm";

/** The sort key of the last row shown. */
export type Key = readonly (string | number | null)[];

export interface PageRequest {
  readonly limit: number;
  readonly after: Key | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Key of the last item; null when there is none. */
  readonly endKey: Key | null;
  readonly hasNextPage: boolean;
}

/** Cuts `limit + 1` rows to a page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => Key,
  toItem: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    endKey: last === undefined ? null : keyOf(last),
    hasNextPage: rows.length > limit,
  };
}

/** Rows of an event table after the key `[blockNumber, logIndex]`, newest first. */
export const beforeEvent = (after: Key | null): SQL[] =>
  after === null ? [] : [sql`(block_number, log_index) < (${after[0]}::bigint, ${after[1]}::int)`];

export const newestEventFirst = sql`order by block_number desc, log_index desc`;

/** Conditions joined by `and`; none is true. */
export const allOf = (conditions: readonly SQL[]): SQL =>
  conditions.length === 0 ? sql`true` : sql.join([...conditions], sql` and `);

/** `column = value` for each filter that is given. */
export const matching = (filters: readonly (readonly [SQL, string | number | undefined])[]): SQL[] =>
  filters.flatMap(([column, value]) => (value === undefined ? [] : [sql`${column} = ${value}`]));

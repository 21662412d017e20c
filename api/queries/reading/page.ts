/** Keyset pages. Every order ends in a unique key; a page asks for one row more than it shows. */
import { type SQL, sql } from "drizzle-orm";

/** The sort key of the last row shown. */
export type Key = readonly (string | number | null)[];

export interface PageRequest {
  readonly limit: number;
  /** The row beyond which the page lies, in its direction; null is the list's end. */
  readonly after: Key | null;
  /** Backward: the rows nearest before `after`, still in the list's order. Default: forward. */
  readonly direction?: "forward" | "backward";
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The sort key of each item. */
  readonly keys: readonly Key[];
  /** Key of the last item; null when there is none. */
  readonly endKey: Key | null;
  /** Whether the list goes on beyond the page, in its direction. */
  readonly hasNextPage: boolean;
}

/** Raw bytes are as long as their author liked; a list shows so many of them. */
export const MAX_LIST_BYTES = 4_096;

/** How much of raw bytes is shown: lists show a beginning, single objects the whole. */
export type Extent = "bounded" | "whole";

const hexLength = (bytes: number): number => 2 + 2 * bytes;

/** Hex of the first bytes of a column. */
export const shortenedHex = (column: SQL, bytes = MAX_LIST_BYTES): SQL =>
  sql`left(${column}, ${hexLength(bytes)})`;

/**
 * Three columns of raw bytes: their hex as `name`, their true number as `prefixBytes`, and as `prefixSha256` the hash of the
 * whole where only its beginning is shown, else null.
 */
export function bytesColumns(
  column: SQL,
  [name, prefix]: readonly [name: string, prefix: string],
  extent: Extent,
  most = MAX_LIST_BYTES,
): SQL {
  const digest = sql`case when length(${column}) > ${hexLength(most)}
      then '0x' || encode(sha256(decode(substr(${column}, 3), 'hex')), 'hex') end`;
  const shown = extent === "whole" ? column : shortenedHex(column, most);
  return sql`${shown} as ${sql.identifier(name)}, (length(${column}) - 2) / 2 as ${sql.identifier(`${prefix}Bytes`)},
    ${extent === "whole" ? sql`null` : digest} as ${sql.identifier(`${prefix}Sha256`)}`;
}

/** Cuts `limit + 1` rows, the nearest first, to a page in the list's order. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  { limit, direction }: Pick<PageRequest, "limit" | "direction">,
  keyOf: (row: Row) => Key,
  toItem: (row: Row) => Item,
): Page<Item> {
  const near = rows.slice(0, limit);
  const shown = direction === "backward" ? near.reverse() : near;
  const keys = shown.map(keyOf);
  return {
    items: shown.map(toItem),
    keys,
    endKey: keys.at(-1) ?? null,
    hasNextPage: rows.length > limit,
  };
}

/** A column of a list's order. Lists are sorted downwards by each of them; the last makes the order total. */
export interface SortColumn {
  readonly expression: SQL;
  readonly type: "bigint" | "int" | "float8" | "text";
  /** Only for the first column: its nulls end the list. */
  readonly nulls?: "last";
}

/** The rows of the list beyond the page's key, in its direction. */
export function beyond({ after, direction }: PageRequest, columns: readonly SortColumn[]): SQL[] {
  if (after === null) return [];
  const further = sql.raw(direction === "backward" ? ">" : "<");
  const values = columns.map(({ type }, index) => sql`${after[index]}::${sql.raw(type)}`);
  const compared = (from: number) =>
    sql`(${sql.join(
      columns.slice(from).map(({ expression }) => expression),
      sql`, `,
    )}) ${further} (${sql.join(values.slice(from), sql`, `)})`;
  const [first] = columns;
  if (first === undefined) return [];
  const { expression } = first;
  // The second condition follows from the first, but tells Postgres where in an index to begin.
  if (first.nulls !== "last")
    return columns.length === 1 ? [compared(0)] : [compared(0), sql`${expression} ${further}= ${values[0]}`];
  const among = compared(1);
  if (after[0] === null)
    return direction === "backward"
      ? [sql`(${expression} is not null or ${among})`]
      : [sql`${expression} is null and ${among}`];
  const inTie = sql`${expression} = ${values[0]} and ${among}`;
  const pastTie = sql`${expression} ${further} ${values[0]}`;
  return direction === "backward"
    ? [sql`(${pastTie} or (${inTie}))`]
    : [sql`(${expression} is null or ${pastTie} or (${inTie}))`];
}

/** The order of the list, or, for a backward page, its reverse. */
export function listOrder({ direction }: PageRequest, columns: readonly SortColumn[]): SQL {
  const way = ({ nulls }: SortColumn) => {
    if (direction === "backward") return sql.raw(nulls === undefined ? "asc" : "asc nulls first");
    return sql.raw(nulls === undefined ? "desc" : "desc nulls last");
  };
  return sql`order by ${sql.join(
    columns.map((column) => sql`${column.expression} ${way(column)}`),
    sql`, `,
  )}`;
}

/** A column, of the table with this alias where the query has several. */
export const columnOf = (alias: string | undefined, name: string): SQL =>
  alias === undefined ? sql`${sql.identifier(name)}` : sql`${sql.identifier(alias)}.${sql.identifier(name)}`;

/** Event tables are listed the newest first. */
const eventColumns = (alias: string | undefined): readonly SortColumn[] => [
  { expression: columnOf(alias, "block_number"), type: "bigint" },
  { expression: columnOf(alias, "log_index"), type: "int" },
];

/** The rows of an event table beyond the page's key `[blockNumber, logIndex]`. */
export const beyondEvent = (page: PageRequest, alias?: string): SQL[] => beyond(page, eventColumns(alias));

/** The order of an event table's list. */
export const eventOrder = (page: PageRequest, alias?: string): SQL => listOrder(page, eventColumns(alias));

/** Conditions joined by `and`; none is true. */
export const allOf = (conditions: readonly SQL[]): SQL =>
  conditions.length === 0 ? sql`true` : sql.join([...conditions], sql` and `);

/** `column = value` for each filter that is given. */
export const matching = (filters: readonly (readonly [SQL, string | number | undefined])[]): SQL[] =>
  filters.flatMap(([column, value]) => (value === undefined ? [] : [sql`${column} = ${value}`]));

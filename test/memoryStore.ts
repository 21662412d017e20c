import { getTableColumns } from "drizzle-orm";
import { getTableConfig, type PgTable } from "drizzle-orm/pg-core";

export type Row = Record<string, unknown>;

/** An in-memory replacement for Ponder's store, for tests of handlers. */
export function memoryStore() {
  const tables = new Map<PgTable, Map<string, Row>>();
  const rowsOf = (table: PgTable) => {
    const rows = tables.get(table) ?? new Map<string, Row>();
    tables.set(table, rows);
    return rows;
  };
  const keyOf = (table: PgTable, row: Row): string => {
    const ofKey = new Set(
      getTableConfig(table).primaryKeys.flatMap((key) => key.columns.map(({ name }) => name)),
    );
    return Object.entries(getTableColumns(table))
      .filter(([, column]) => column.primary || ofKey.has(column.name))
      .map(([property]) => String(row[property]))
      .join("_");
  };
  const insert = (table: PgTable, row: Row) => {
    const key = keyOf(table, row);
    if (rowsOf(table).has(key)) throw new Error(`${key} is in the table already`);
    const absent = Object.keys(getTableColumns(table)).map((property) => [property, null]);
    rowsOf(table).set(key, { ...Object.fromEntries(absent), ...row });
    return { ...row };
  };
  const update = (table: PgTable, key: Row, change: Row | ((row: Row) => Row)) => {
    const before = rowsOf(table).get(keyOf(table, key));
    if (before === undefined) throw Object.assign(new Error("no row"), { name: "RecordNotFoundError" });
    const after = { ...before, ...(typeof change === "function" ? change({ ...before }) : change) };
    rowsOf(table).set(keyOf(table, key), after);
    return { ...after };
  };
  const known = (table: PgTable, row: Row) => rowsOf(table).has(keyOf(table, row));
  const db = {
    find: async (table: PgTable, key: Row) => {
      const row = rowsOf(table).get(keyOf(table, key));
      return row === undefined ? null : { ...row };
    },
    insert: (table: PgTable) => ({
      values: (given: Row | Row[]) => ({
        onConflictDoNothing: async () => (known(table, given as Row) ? null : insert(table, given as Row)),
        onConflictDoUpdate: async (change: Row | ((row: Row) => Row)) => {
          for (const row of [given].flat())
            if (known(table, row)) update(table, row, change);
            else insert(table, row);
        },
        // biome-ignore lint/suspicious/noThenProperty: Ponder's statement is awaited like this.
        then: (resolve: (row: Row) => void, reject: (error: unknown) => void) =>
          Promise.resolve()
            .then(() => insert(table, given as Row))
            .then(resolve, reject),
      }),
    }),
    update: (table: PgTable, key: Row) => ({
      set: async (change: Row | ((row: Row) => Row)) => update(table, key, change),
    }),
    delete: async (table: PgTable, key: Row) => rowsOf(table).delete(keyOf(table, key)),
  };
  return { db, rows: (table: PgTable) => [...rowsOf(table).values()] };
}

/** Dumps all rows of a published chain, to compare two runs column by column. */
import pg from "pg";
import type { ChainName } from "../../config/environment.ts";

/** Every table of the chain's stable schema as sorted lines of JSON; Ponder's own bookkeeping is left out. */
export async function dumpTables(databaseUrl: string, chain: ChainName): Promise<Map<string, string[]>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const views = await client.query<{ name: string }>(
      `select table_name as name from information_schema.views
       where table_schema = $1 and table_name not like '\\_ponder%' order by table_name`,
      [chain],
    );
    const tables = new Map<string, string[]>();
    for (const { name } of views.rows) {
      const rows = await client.query<{ line: string }>(
        `select to_jsonb(t)::text as line from ${chain}.${name} t`,
      );
      tables.set(name, rows.rows.map(({ line }) => line).sort());
    }
    return tables;
  } finally {
    await client.end();
  }
}

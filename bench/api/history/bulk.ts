/** Bulk loading: tables are filled by COPY, without their indexes. */
import { once } from "node:events";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";

const SCHEMAS = "('og', 'base', 'proofs')";
/** Settings of a database that is deleted after use: nothing has to survive a crash. */
const SESSION = "set work_mem = '512MB'; set maintenance_work_mem = '1GB'; set synchronous_commit = off";

export async function connectForBulk(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(SESSION);
  return client;
}

/** Fills the chains' and the verifier's tables and creates their indexes afterwards, in a tenth of the time. */
export async function withoutIndexes(client: pg.Client, fill: () => Promise<void>): Promise<void> {
  const tables = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ${SCHEMAS}`,
  );
  const keys = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype = 'p' and connamespace::regnamespace::text in ${SCHEMAS}`,
  );
  const indexes = await client.query<{ name: string; definition: string }>(
    `select format('%I.%I', schemaname, indexname) as name, indexdef as definition from pg_indexes i
     where schemaname in ${SCHEMAS} and not exists (
       select from pg_constraint c where c.conname = i.indexname and c.connamespace::regnamespace::text = i.schemaname)`,
  );
  for (const { name } of tables.rows) await client.query(`alter table ${name} set unlogged`);
  for (const { name } of indexes.rows) await client.query(`drop index ${name}`);
  for (const { table, name } of keys.rows)
    await client.query(`alter table ${table} drop constraint "${name}"`);
  await fill();
  for (const { table, name, definition } of keys.rows)
    await client.query(`alter table ${table} add constraint "${name}" ${definition}`);
  for (const { definition } of indexes.rows) await client.query(definition);
}

type Value = string | number | bigint | boolean | null;

const CHUNK_CHARACTERS = 1 << 16;

/** Writes rows to one table, over its own connection. */
export class CopySink<Column extends string> {
  #text = "";

  private constructor(
    private readonly client: pg.Client,
    private readonly stream: ReturnType<typeof copyFrom>,
    private readonly columns: readonly Column[],
  ) {}

  static async open<Column extends string>(
    url: string,
    table: string,
    columns: readonly Column[],
  ): Promise<CopySink<Column>> {
    const client = await connectForBulk(url);
    const stream = client.query(copyFrom(`copy ${table} (${columns.join(", ")}) from stdin`));
    return new CopySink(client, stream, columns);
  }

  /** @returns a promise when the caller should wait for the server. Values hold no tab, line break or backslash. */
  write(row: Readonly<Record<Column, Value>>): Promise<unknown> | undefined {
    let separator = "";
    for (const column of this.columns) {
      const value = row[column];
      this.#text += separator + (value === null ? "\\N" : String(value));
      separator = "\t";
    }
    this.#text += "\n";
    if (this.#text.length < CHUNK_CHARACTERS) return undefined;
    const text = this.#text;
    this.#text = "";
    return this.stream.write(text) ? undefined : once(this.stream, "drain");
  }

  async close(): Promise<void> {
    this.stream.end(this.#text);
    await once(this.stream, "finish");
    await this.client.end();
  }
}

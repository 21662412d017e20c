/** A database of any earlier release, with what its verifier had found out, is brought up to date and filled again. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MIGRATIONS_FOLDER, migrateDatabase } from "../../db/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { blobIdOf } from "./testing/blobServer.ts";
import { dumpProofs } from "./testing/verifierTables.ts";
import { infer, newEnclave, World } from "./testing/world.ts";

interface Journal {
  readonly entries: readonly { readonly idx: number; readonly tag: string }[];
}
const journalOf = (folder: string) => path.join(folder, "meta", "_journal.json");
const journal = JSON.parse(readFileSync(journalOf(MIGRATIONS_FOLDER), "utf8")) as Journal;
/** Migrations after which there is something to keep, and something to come. */
const releases = journal.entries.map(({ tag }) => tag).slice(1, -1);

const alice = newEnclave();
const bob = newEnclave();
// signed once: a signature is another one every time
const inferences = Array.from({ length: 5 }, (_, n) => infer(n % 2 === 0 ? alice : bob, n + 2));
const settledAgain = infer(bob, 1);

async function settle(world: World): Promise<void> {
  await world.register(alice, { blockNumber: 10 });
  await world.register(bob, { blockNumber: 11 });
  await world.settleLeaves({ blockNumber: 20 }, [...inferences, settledAgain]);
  await world.settleLeaves({ blockNumber: 21 }, [{ ...infer(alice, 19), signature: "0x12" }]);
  const payload = JSON.stringify({ input: {}, output: { model: "m", usage: { prompt_tokens: 3 } } });
  await world.settleIndividually({ blockNumber: 22 }, settledAgain, world.blobs.put(payload));
  await world.settleIndividually({ blockNumber: 23 }, settledAgain, blobIdOf("missing"));
}

async function verified(world: World): Promise<Record<string, string[]>> {
  world.start();
  await world.finished();
  await world.stopVerifiers();
  return await dumpProofs(world.pool);
}

/** Our migrations up to one of them, in a folder of their own. */
function migrationsUntil(tag: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "migrations-"));
  cpSync(MIGRATIONS_FOLDER, folder, { recursive: true });
  const last = journal.entries.findIndex((entry) => entry.tag === tag);
  writeFileSync(
    journalOf(folder),
    JSON.stringify({ ...journal, entries: journal.entries.slice(0, last + 1) }),
  );
  return folder;
}

type Rows = ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>;

async function readAll(url: string): Promise<Rows> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const rows = new Map<string, Readonly<Record<string, unknown>>[]>();
  const tables = await client.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = 'proofs' order by 1",
  );
  for (const { name } of tables.rows) {
    const found = await client.query<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from proofs.${name} t`,
    );
    rows.set(
      name,
      found.rows.map(({ row }) => row),
    );
  }
  await client.end();
  return rows;
}

/** Writes rows of today into tables of then: columns that did not exist are left out. */
async function writeAll(url: string, rows: Rows): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const [name, all] of rows) {
    const { rows: columns } = await client.query<{ column: string }>(
      "select column_name as column from information_schema.columns where table_schema = 'proofs' and table_name = $1",
      [name],
    );
    if (columns.length === 0) continue;
    const list = columns.map(({ column }) => column).join(", ");
    await client.query(
      `insert into proofs.${name} (${list}) select ${list} from jsonb_populate_recordset(null::proofs.${name}, $1) on conflict do nothing`,
      [JSON.stringify(all)],
    );
  }
  await client.end();
}

let expected: Record<string, string[]>;
let found: Rows;
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  const world = await World.create(database.url);
  await world.setHead(1_000_000);
  await settle(world);
  expected = await verified(world);
  found = await readAll(database.url);
  await world.close();
  // work of a verifier that died
  found = new Map(found).set("dirty", [{ kind: "node", key: alice.teeId, start_at: 0 }]);
});
afterAll(() => database.drop());

/** What was found out, in rows as they were written until some release. */
function foundUntil(tag: string): Rows {
  const rewrite = (
    rows: Rows,
    table: string,
    then: (row: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
  ): Rows => new Map(rows).set(table, (rows.get(table) ?? []).map(then));
  let rows = found;
  if (tag < "0008")
    for (const table of ["node_bucket", "model_bucket"])
      rows = rewrite(rows, table, (row) =>
        row.completion_tokens === null ? { ...row, completion_tokens: Number.MAX_SAFE_INTEGER } : row,
      );
  if (tag < "0010")
    rows = rewrite(rows, "settled", (row) => (row.kind === "batch" ? { ...row, signed_at: null } : row));
  return rows;
}

test.each(releases)("from %s", async (tag) => {
  const folder = migrationsUntil(tag);
  const old = await createTestDatabase();
  let world: World | undefined;
  try {
    await migrateDatabase(old.url, folder);
    await writeAll(old.url, foundUntil(tag));
    world = await World.create(old.url);
    await world.setHead(1_000_000);
    await settle(world);
    expect(await verified(world)).toEqual(expected);
    expect(expected.leaf).toHaveLength(7);
    expect(expected.settled?.some((row) => /"kind": "batch".*"signed_at": \d/.test(row))).toBe(true);
    expect(expected.node_bucket).toHaveLength(2);
  } finally {
    await world?.close();
    await old.drop();
    rmSync(folder, { recursive: true });
  }
});

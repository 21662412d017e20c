import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { PUBLISHED_CHANNEL } from "../db/channels.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { checkpointBlock, dropSuperseded, publish, publishedSchema, recordStart } from "./publish.ts";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(async () => {
  await client.query("drop schema if exists og, og_a, og_b, og_c cascade; delete from indexer.deployments");
});

const checkpoint = (block: number, chainId = 10740) =>
  [
    String(1_700_000_000 + block),
    String(chainId).padStart(16, "0"),
    String(block).padStart(16, "0"),
    "9".repeat(33),
  ].join("");

/** The tables that Ponder makes, with one of ours: `node` holds its deployment's name and block in every row. */
async function deploy(
  schema: string,
  block: number,
  ready: boolean,
  columns = "",
  chainId = 10740,
): Promise<void> {
  await client.query(`
    create schema ${schema};
    create table ${schema}._ponder_meta (key text primary key, value jsonb not null);
    create table ${schema}._ponder_checkpoint (chain_name text primary key, chain_id bigint not null,
      safe_checkpoint varchar(75) not null, latest_checkpoint varchar(75) not null, finalized_checkpoint varchar(75) not null);
    create table ${schema}.node (${columns} id int primary key, deployment text not null, block int not null);
    create table ${schema}._reorg__node (id int);
    insert into ${schema}._ponder_meta values ('app', '{"is_ready": ${ready ? 1 : 0}, "is_locked": 0, "heartbeat_at": 0}');
    insert into ${schema}._ponder_checkpoint values ('og', ${chainId}, '', '${checkpoint(block, chainId)}', '');
    insert into ${schema}.node (id, deployment, block) select n, '${schema}', ${block} from generate_series(1, 3) n`);
  await recordStart(client, "og", schema);
}

async function advance(on: pg.ClientBase, schema: string, block: number): Promise<void> {
  await on.query("begin");
  await on.query(`update ${schema}.node set block = $1`, [block]);
  await on.query(`update ${schema}._ponder_checkpoint set latest_checkpoint = $1`, [checkpoint(block)]);
  await on.query("commit");
}

test("reads the block out of a checkpoint", () => {
  expect(checkpointBlock(checkpoint(44_900_123))).toBe(44_900_123);
});

test("publishes the first deployment as soon as its tables exist, without Ponder's own tables of reorgs", async () => {
  await recordStart(client, "og", "og_a");
  expect(await publish(client, "og", "og_a")).toBe("not-ready");
  await deploy("og_a", 5, false);
  expect(await publish(client, "og", "og_a")).toBe("published");
  expect(await publish(client, "og", "og_a")).toBe("current");
  const { rows } = await client.query(
    "select table_name from information_schema.views where table_schema = 'og' order by 1",
  );
  expect(rows.map((row) => row.table_name)).toEqual(["_ponder_checkpoint", "_ponder_meta", "node"]);
});

test("tells about a publication", async () => {
  const listener = new pg.Client({ connectionString: database.url });
  await listener.connect();
  const told = new Promise((resolve) => listener.once("notification", (message) => resolve(message.payload)));
  await listener.query(`listen ${PUBLISHED_CHANNEL}`);
  await deploy("og_a", 5, false);
  await publish(client, "og", "og_a");
  expect(JSON.parse(String(await told))).toEqual({ chain: "og", schema: "og_a" });
  await listener.end();
});

test("switches to a later deployment only when it is ready and not behind", async () => {
  await deploy("og_a", 10, true);
  await publish(client, "og", "og_a");
  await deploy("og_b", 9, true, "added text,");
  expect(await publish(client, "og", "og_b")).toBe("not-ready");
  await advance(client, "og_b", 10);
  await client.query(`update og_b._ponder_meta set value = jsonb_set(value, '{is_ready}', '0')`);
  expect(await publish(client, "og", "og_b")).toBe("not-ready");
  await client.query(`update og_b._ponder_meta set value = jsonb_set(value, '{is_ready}', '1')`);
  expect(await publish(client, "og", "og_b")).toBe("published");
  expect(await publishedSchema(client, "og")).toBe("og_b");
  expect((await client.query("select added, deployment from og.node limit 1")).rows).toEqual([
    { added: null, deployment: "og_b" },
  ]);
});

test("does not compare blocks of two chains", async () => {
  await deploy("og_a", 1_000_000, true);
  await publish(client, "og", "og_a");
  await deploy("og_b", 3, true, "", 262144);
  expect(await publish(client, "og", "og_b")).toBe("published");
});

test("lets the deployment that started last win", async () => {
  await deploy("og_a", 10, true);
  await publish(client, "og", "og_a");
  await deploy("og_b", 20, true);
  await deploy("og_c", 20, true);
  expect(await publish(client, "og", "og_b")).toBe("outdated");
  expect(await publish(client, "og", "og_c")).toBe("published");
  await recordStart(client, "og", "og_a"); // back to the earlier build
  await advance(client, "og_a", 20);
  expect(await publish(client, "og", "og_a")).toBe("published");
});

test("waits for a reader's transaction instead of breaking it", async () => {
  await deploy("og_a", 10, true);
  await publish(client, "og", "og_a");
  await deploy("og_b", 10, true);
  const reader = new pg.Client({ connectionString: database.url });
  await reader.connect();
  await reader.query("begin isolation level repeatable read");
  await reader.query("select * from og._ponder_checkpoint");
  expect(await publish(client, "og", "og_b")).toBe("busy");
  expect((await reader.query("select deployment from og.node limit 1")).rows[0].deployment).toBe("og_a");
  await reader.query("commit");
  expect(await publish(client, "og", "og_b")).toBe("published");
  await reader.end();
});

test("drops superseded schemas after the grace period, never the published one or one in use", async () => {
  await deploy("og_a", 10, true);
  await publish(client, "og", "og_a");
  await deploy("og_b", 10, true);
  await deploy("og_c", 10, true); // supersedes og_b before it was ever published
  await publish(client, "og", "og_c");
  expect(await dropSuperseded(client, "og", 600)).toEqual([]);
  await client.query(
    `update og_b._ponder_meta set value = jsonb_build_object('is_locked', 1, 'heartbeat_at', ${Date.now()})`,
  );
  expect(await dropSuperseded(client, "og", -1)).toEqual(["og_a"]);
  await client.query(`update og_b._ponder_meta set value = jsonb_set(value, '{is_locked}', '0')`);
  await client.query(
    "update indexer.deployments set superseded_at = now() - interval '1 day' where schema = 'og_c'",
  );
  expect(await dropSuperseded(client, "og", -1)).toEqual(["og_b"]);
  expect(await dropSuperseded(client, "og", -1)).toEqual([]);
  expect((await client.query("select count(*)::int as n from og.node")).rows).toEqual([{ n: 3 }]);
});

test("readers never see an error, a mixture, or a step back while deployments switch under them", async () => {
  await deploy("og_a", 100, true);
  await publish(client, "og", "og_a");
  let done = false;
  let reads = 0;
  const seen = new Set<string>();
  /** What any reader saw before another began. */
  let newest = 0;

  const read = async () => {
    const reader = new pg.Client({ connectionString: database.url });
    await reader.connect();
    while (!done) {
      const atLeast = newest;
      await reader.query("begin isolation level repeatable read read only");
      const head = await reader.query<{ latest_checkpoint: string }>(
        "select latest_checkpoint from og._ponder_checkpoint",
      );
      const nodes = await reader.query<{ deployment: string; block: number }>(
        "select distinct deployment, block from og.node",
      );
      await reader.query("commit");
      const block = checkpointBlock(head.rows[0]?.latest_checkpoint ?? "");
      expect(nodes.rows).toHaveLength(1);
      expect(nodes.rows[0]?.block).toBe(block);
      expect(block).toBeGreaterThanOrEqual(atLeast);
      newest = Math.max(newest, block);
      seen.add(nodes.rows[0]?.deployment ?? "");
      reads += 1;
    }
    await reader.end();
  };
  /** Two indexers follow the same chain, now one ahead, now the other. */
  const startedAt = Date.now();
  const write = async (schema: string) => {
    const writer = new pg.Client({ connectionString: database.url });
    await writer.connect();
    for (let block = 101; !done; ) {
      await advance(writer, schema, block);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 8));
      block = Math.max(block, 101 + Math.floor((Date.now() - startedAt) / 4));
    }
    await writer.end();
  };

  await deploy("og_b", 100, true, "added text,");
  const work = [read(), read(), read(), read(), write("og_a"), write("og_b")];
  const switches: string[] = [];
  const until = Date.now() + 6_000;
  try {
    for (let next = "og_b"; Date.now() < until; ) {
      await recordStart(client, "og", next);
      const outcome = await publish(client, "og", next);
      if (outcome === "published") {
        switches.push(next);
        next = next === "og_a" ? "og_b" : "og_a";
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    done = true;
    await Promise.all(work);
  }
  expect(switches.length).toBeGreaterThan(5);
  expect(seen).toEqual(new Set(["og_a", "og_b"]));
  expect(reads).toBeGreaterThan(500);
});

import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { migrateDatabase } from "../../../db/migrate.ts";
import type { Hex } from "../../../proofs/hex.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { Claims, finishJobs, holdJobs, postponeJobs } from "./claims.ts";

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  await migrateDatabase(database.url);
  pool = new pg.Pool({ connectionString: database.url });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await pool.query("truncate proofs.job, proofs.batch");
});

const NEW = { kind: "batch", tried: false } as const;
const TRIED = { kind: "batch", tried: true } as const;
const key = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const ROOT: Hex = `0x${"aa".repeat(32)}`;
const BLOB_ID: Hex = `0x${"41".repeat(43)}`;

const addBatch = async (n: number, blobIdHex: Hex = BLOB_ID, runAt = "now()") => {
  await pool.query(
    "insert into proofs.batch (key, merkle_root, blob_id_hex, state) values ($1, $2, $3, 'pending')",
    [key(n), ROOT, blobIdHex],
  );
  await pool.query(`insert into proofs.job (kind, key, run_at) values ('batch', $1, ${runAt})`, [key(n)]);
};
const keys = (jobs: readonly { key: Hex }[]) => jobs.map((job) => job.key).sort();
const claims = (holder: string, leaseSeconds = 60) => new Claims(pool, holder, leaseSeconds);

test("due jobs are claimed with their content, the oldest first; later ones are left", async () => {
  await addBatch(1, BLOB_ID, "now() - interval '1 s'");
  await addBatch(2, BLOB_ID, "now() - interval '2 s'");
  await addBatch(3, BLOB_ID, "now() + interval '1 h'");
  expect(await claims("a").claim(NEW, 1)).toEqual([
    {
      ...{ key: key(2), attempts: 1, absences: 0 },
      ...{ merkleRoot: ROOT, blobIdHex: BLOB_ID, refusedForSeconds: null },
    },
  ]);
  expect(keys(await claims("a").claim(NEW, 9))).toEqual([key(1)]);
  expect(await claims("a").claim(NEW, 9)).toEqual([]);
});

test("a job tells how long its blob has been found to be something else", async () => {
  for (const [n, state] of ["pending", "unavailable", "invalid"].entries()) {
    await addBatch(n);
    await pool.query(
      "update proofs.batch set state = $2, checked_at = now() - interval '90 s' where key = $1",
      [key(n), state],
    );
  }
  const jobs = (await claims("a").claim(NEW, 9)).toSorted((a, b) => (a.key < b.key ? -1 : 1));
  expect(
    jobs.map(({ refusedForSeconds }) => refusedForSeconds && Math.round(refusedForSeconds / 10)),
  ).toEqual([null, null, 9]);
});

test("what cannot be a blob id is not even read", async () => {
  await addBatch(1, `0x${"ff".repeat(100_000)}`);
  expect(await claims("a").claim(NEW, 1)).toMatchObject([{ key: key(1), blobIdHex: null }]);
});

test("several at once never get the same job, and get all", async () => {
  for (let n = 0; n < 60; n++) await addBatch(n);
  const claimed = await Promise.all(
    Array.from({ length: 12 }, (_, holder) => claims(String(holder)).claim(NEW, 5)),
  );
  const rest = await claims("rest").claim(NEW, 60);
  const all = [...claimed.flat(), ...rest].map((job) => job.key);
  expect(all).toHaveLength(60);
  expect(new Set(all).size).toBe(60);
});

test("a dead verifier's jobs are taken over when its leases run out, a living one's are not", async () => {
  await addBatch(1);
  await addBatch(2);
  const [dead, living, heir] = [claims("dead", 0.3), claims("living", 0.3), claims("heir")];
  await dead.claim(NEW, 1);
  await living.claim(NEW, 1);
  expect(await heir.claim(TRIED, 9)).toEqual([]);
  await pool.query("select pg_sleep(0.2)");
  await living.extend();
  await pool.query("select pg_sleep(0.15)");
  expect(await heir.claim(TRIED, 9)).toMatchObject([{ attempts: 2 }]);
});

test("a living verifier's jobs are taken over when it has let go of them", async () => {
  await addBatch(1);
  const living = claims("living", 0.2);
  const [job] = await living.claim(NEW, 1);
  living.drop("batch", [job?.key ?? "0x"]);
  await living.extend();
  await pool.query("select pg_sleep(0.25)");
  expect(await claims("heir").claim(TRIED, 9)).toHaveLength(1);
});

test("what was released is as if never claimed", async () => {
  await addBatch(1);
  await claims("a").claim(NEW, 1);
  await claims("a").release();
  expect(await claims("b").claim(NEW, 1)).toMatchObject([{ attempts: 1 }]);
});

test("what was tried before does not stand in the way of what is new", async () => {
  await addBatch(1);
  const [first] = await claims("a").claim(NEW, 1);
  await postponeJobs(pool, "batch", [
    { key: first?.key ?? "0x", delaySeconds: 0, absences: 1, error: "blob-missing" },
  ]);
  await addBatch(2);
  expect(keys(await claims("a").claim(NEW, 9))).toEqual([key(2)]);
  expect(await claims("a").claim(TRIED, 9)).toMatchObject([{ key: key(1), attempts: 2, absences: 1 }]);
});

test("only the holder's jobs can be recorded, and nobody takes them over meanwhile", async () => {
  await addBatch(1);
  await addBatch(2);
  await claims("a", 0.1).claim(NEW, 1);
  await claims("b", 0.1).claim(NEW, 1);
  const client = await pool.connect();
  try {
    await client.query("begin");
    const held = await holdJobs(client, "a", "batch", [key(1), key(2)]);
    expect(held.size).toBe(1);
    await pool.query("select pg_sleep(0.15)");
    expect(await claims("c").claim(TRIED, 9)).toHaveLength(1);
    await finishJobs(client, "batch", [...held]);
    await client.query("commit");
  } finally {
    client.release();
  }
  expect((await pool.query("select leased_by from proofs.job")).rows).toEqual([{ leased_by: "c" }]);
});

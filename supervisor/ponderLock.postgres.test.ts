import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { releaseStaleLock } from "./ponderLock.ts";

let database: TestDatabase;
let client: pg.Client;
const SCHEMA = "og_0123456789";
const never = new AbortController().signal;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(async () => {
  await client.query(`drop schema if exists ${SCHEMA} cascade; create schema ${SCHEMA};
    create table ${SCHEMA}._ponder_meta (key text primary key, value jsonb not null)`);
});

const lock = (confirmedMsAgo: number) =>
  client.query(`insert into ${SCHEMA}._ponder_meta values ('app', $1)`, [
    { is_locked: 1, heartbeat_at: Date.now() - confirmedMsAgo, build_id: "kept" },
  ]);
const state = async () => (await client.query(`select value from ${SCHEMA}._ponder_meta`)).rows[0]?.value;

test("frees the schema of an own child that ended", async () => {
  await lock(0);
  await releaseStaleLock(client, SCHEMA, true, never, () => {});
  expect(await state()).toMatchObject({ is_locked: 0, build_id: "kept" });
});

test("frees the schema of anyone who neither confirms nor is connected", async () => {
  await lock(13_000);
  await releaseStaleLock(client, SCHEMA, false, never, () => {});
  expect(await state()).toMatchObject({ is_locked: 0 });
});

test("waits while the holder may live", async () => {
  await lock(0);
  let waits = 0;
  const waiting = releaseStaleLock(client, SCHEMA, false, AbortSignal.timeout(600), () => {
    waits += 1;
  });
  await expect(waiting).rejects.toThrow();
  expect(waits).toBe(1);
  expect(await state()).toMatchObject({ is_locked: 1 });
});

test("never takes it from someone who is connected", async () => {
  await lock(60_000);
  const holder = new pg.Client({ connectionString: database.url, application_name: `${SCHEMA}_user` });
  await holder.connect();
  const waiting = releaseStaleLock(client, SCHEMA, true, AbortSignal.timeout(600), () => {});
  await expect(waiting).rejects.toThrow();
  expect(await state()).toMatchObject({ is_locked: 1 });
  const freed = releaseStaleLock(client, SCHEMA, true, never, () => {});
  await holder.end();
  await freed;
  expect(await state()).toMatchObject({ is_locked: 0 });
});

test("has nothing to do before the schema exists", async () => {
  await client.query(`drop schema ${SCHEMA} cascade`);
  await releaseStaleLock(client, SCHEMA, false, never, () => expect.unreachable());
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { connectionPool, noticeClient } from "./connections.ts";
import { inTransaction, lockDerived } from "./record/transaction.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test("a verifier that hangs inside of a transaction holds up the others for a while only", async () => {
  const hanging = connectionPool(database.url, 300);
  const other = connectionPool(database.url);
  hanging.on("error", () => {});
  try {
    const stuck = await hanging.connect();
    stuck.on("error", () => {});
    await stuck.query("begin");
    await lockDerived(stuck);
    const began = performance.now();
    await inTransaction(other, lockDerived);
    expect(performance.now() - began).toBeGreaterThan(200);
    await expect(stuck.query("commit")).rejects.toThrow();
    stuck.release(true);
  } finally {
    await Promise.all([hanging.end(), other.end()]);
  }
});

test("connections have the limits that they are made with", async () => {
  const pool = connectionPool(database.url);
  const client = noticeClient(database.url);
  await client.connect();
  try {
    const { rows } = await pool.query("show idle_in_transaction_session_timeout");
    expect(rows).toEqual([{ idle_in_transaction_session_timeout: "30s" }]);
    const { rows: kept } = await client.query("show tcp_keepalives_idle");
    expect(kept).toEqual([{ tcp_keepalives_idle: "10" }]);
  } finally {
    await Promise.all([pool.end(), client.end()]);
  }
});

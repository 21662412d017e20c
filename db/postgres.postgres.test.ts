import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLog } from "../config/log.ts";
import { createTestDatabase } from "../test/database.ts";
import { migrateDatabase } from "./migrate.ts";
import { acquireDatabase, type Database } from "./postgres.ts";
import { isAlive } from "./startLock.ts";

let directory: string;
let lines: string[];
const acquired: Database[] = [];

beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-postgres-"));
  lines = [];
});
afterEach(async () => {
  for (const database of acquired.splice(0)) await database.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function acquire(): Promise<Database> {
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "test", (line) => lines.push(line));
  const database = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
  acquired.push(database);
  return database;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

const pidOf = () =>
  (JSON.parse(readFileSync(path.join(directory, "postgres.json"), "utf8")) as { pid: number }).pid;

test("uses DATABASE_URL as it is", async () => {
  const log = createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "test", (line) => lines.push(line));
  const database = await acquireDatabase(
    { DATABASE_URL: "postgres://elsewhere/x", DATA_DIR: directory },
    log,
  );
  expect(database.url).toBe("postgres://elsewhere/x");
  await database.stop();
});

test("the first starts it, others attach, only the starter stops it, and data and port survive", async () => {
  const starter = await acquire();
  const other = await acquire();
  expect(other.url).toBe(starter.url);
  expect(lines.at(-1)).toContain("attached");
  await query(starter.url, "create table kept as select 42 as answer");
  await other.stop();
  expect(await query(starter.url, "select answer from kept")).toEqual([42]);
  const pid = pidOf();
  await starter.stop();
  expect(isAlive(pid)).toBe(false);

  const again = await acquire();
  expect(again.url).toBe(starter.url);
  expect(await query(again.url, "select answer from kept")).toEqual([42]);
});

test("two first processes at once make one server", async () => {
  const [first, second] = await Promise.all([acquire(), acquire()]);
  expect(first.url).toBe(second.url);
});

test("takes over a server whose starter was killed", async () => {
  const script = `
    import { acquireDatabase } from "./db/postgres.ts";
    import { createLog } from "./config/log.ts";
    const log = createLog({ LOG_LEVEL: "error", LOG_FORMAT: "pretty" }, "child");
    acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: process.argv.at(-1) }, log).then(() => process.kill(process.pid, "SIGKILL"));`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script, directory], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const signal = await new Promise((resolve) => child.once("exit", (_code, by) => resolve(by)));
  expect(signal).toBe("SIGKILL");
  const pid = pidOf();
  expect(isAlive(pid)).toBe(true);

  const database = await acquire();
  expect(lines.at(-1)).toContain("taking it over");
  expect(await query(database.url, "select 1")).toEqual([1]);
  await database.stop();
  expect(isAlive(pid)).toBe(false);
});

test("starts after the server itself was killed", async () => {
  const first = await acquire();
  await query(first.url, "create table kept as select 1");
  process.kill(pidOf(), "SIGKILL");
  const deadline = Date.now() + 20_000;
  let answer: unknown[] = [];
  while (answer.length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await query(first.url, "select 2").catch(() => []);
  }
  expect(answer).toEqual([2]); // its starter started it again, on the same port
});

test("migrations run once, whoever starts at the same time", async () => {
  const written = readdirSync(path.join(import.meta.dirname, "migrations")).filter((file) =>
    file.endsWith(".sql"),
  );
  const { url, drop } = await createTestDatabase();
  await Promise.all([migrateDatabase(url), migrateDatabase(url), migrateDatabase(url)]);
  await migrateDatabase(url);
  expect(await query(url, "select count(*)::int from observations.node_record")).toEqual([0]);
  expect(await query(url, "select count(*)::int from migrations.applied")).toEqual([written.length]);
  await drop();
});

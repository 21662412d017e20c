/**
 * Two verifiers at once, killed (-9) again and again while they work through the recorded chain: afterwards every row is
 * that of one verifier that nobody disturbed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectTo, dumpProofs } from "../workers/verifier/testing/verifierTables.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { hasRecording, type ReplayServer, recordedSettings, startReplay } from "./recorded/recording.ts";
import { everythingVerified } from "./recorded/verified.ts";
import { verifierPids } from "./system/processes.ts";
import { freePort, type RunningSystem, startSystem } from "./system/system.ts";

const root = path.resolve(import.meta.dirname, "..");
/** So that a blob is under way for most of the time. */
const BLOB_LATENCY_MS = 1_500;
const KILL_EVERY_MS = 3_000;
const KILLS_AT_LEAST = 5;

interface Run {
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  readonly system: RunningSystem;
  readonly settings: Readonly<Record<string, string>>;
}

/** Whether a verifier has work under way; its name among all holds its process id. */
async function holdsLeases(pool: pg.Pool, pid: number): Promise<boolean> {
  const migrated = await pool.query(
    "select from pg_tables where schemaname = 'proofs' and tablename = 'job'",
  );
  if (migrated.rowCount === 0) return false;
  const { rows } = await pool.query<{ holds: boolean }>(
    "select exists (select from proofs.job where leased_by like $1) as holds",
    [`%-${pid}-%`],
  );
  return rows[0]?.holds === true;
}

describe.skipIf(!hasRecording)("verifiers that are killed again and again", () => {
  let og: ReplayServer;
  const runs: Run[] = [];

  beforeAll(async () => {
    og = await startReplay("og", await freePort(), ["--blob-latency", String(BLOB_LATENCY_MS)]);
  });
  afterAll(async () => {
    for (const { database, pool, system } of runs) {
      await pool.end();
      expect(await system.stop()).toBe(0);
      await database.drop();
    }
    og?.stop();
  });

  async function start(): Promise<Run> {
    const database = await createTestDatabase();
    const settings = {
      ...recordedSettings([]),
      DATABASE_URL: database.url,
      OG_RPC_URL: og.url,
      BASE_RPC_URL: `http://127.0.0.1:${await freePort()}`,
      WALRUS_AGGREGATOR_URLS: og.url,
      WALRUS_ALLOW_PRIVATE: "true",
      VERIFIER_RETRY_SECONDS: "1,1",
      VERIFIER_UNAVAILABLE_RETRY_SECONDS: "86400",
      VERIFIER_RECHECK_SECONDS: "86400",
      VERIFIER_LEASE_SECONDS: "2",
    };
    const run = { database, settings, pool: connectTo(database.url), system: await startSystem(settings) };
    runs.push(run);
    return run;
  }

  it("leave the rows of one that nobody disturbed", async () => {
    const calm = await start();
    await everythingVerified(calm.system, calm.pool, 150_000);
    const undisturbed = await dumpProofs(calm.pool);
    expect(undisturbed.leaf?.length).toBeGreaterThan(1000);
    expect(undisturbed.node_bucket?.length).toBeGreaterThan(10);

    const disturbed = await start();
    let second: ChildProcess | undefined;
    let stopping = false;
    const startSecond = () => {
      second = spawn(
        path.join(root, "node_modules/node/bin/node"),
        ["--import", "tsx", path.join(root, "workers/verifier/main.ts")],
        { cwd: root, env: { PATH: process.env.PATH, ...disturbed.settings }, stdio: "ignore" },
      );
      second.once("exit", () => {
        if (!stopping) startSecond();
      });
    };
    startSecond();
    let kills = 0;
    const killing = (async () => {
      for (let time = 0; !stopping; time++) {
        await sleep(KILL_EVERY_MS);
        // mostly the one that is started again at once, now and then the supervisor's; none that holds nothing
        const wanted = verifierPids(disturbed.database.url).filter(
          (pid) => time % 4 === 3 || pid === second?.pid,
        );
        for (const pid of wanted) {
          if (!(await holdsLeases(disturbed.pool, pid))) continue;
          process.kill(pid, "SIGKILL");
          kills++;
        }
      }
    })();
    try {
      await everythingVerified(disturbed.system, disturbed.pool, 400_000);
    } finally {
      stopping = true;
      await killing;
      second?.kill("SIGKILL");
    }

    expect(kills).toBeGreaterThanOrEqual(KILLS_AT_LEAST);
    const after = await dumpProofs(disturbed.pool);
    for (const [table, rows] of Object.entries(undisturbed)) expect(after[table], table).toEqual(rows);
  }, 700_000);
});

/**
 * Two verifiers at once, killed (-9) again and again while they work through the demo's history: afterwards every row is
 * that of one verifier that nobody disturbed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readEnvironment } from "../config/environment.ts";
import { type Devnet, startDevnet } from "../devnet/devnet.ts";
import { connectTo, dumpProofs } from "../workers/verifier/testing/verifierTables.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { verifierPids } from "./system/processes.ts";
import { freePort, type RunningSystem, startSystem } from "./system/system.ts";
import { everythingVerified } from "./system/verified.ts";

const root = path.resolve(import.meta.dirname, "..");
const registry = readEnvironment({}).TEE_REGISTRY_ADDRESSES[0] ?? "";
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

/** The devnet's blobs from further away. */
async function startSlowAggregator(blobUrl: string): Promise<http.Server> {
  const server = http.createServer(async (request, response) => {
    await sleep(BLOB_LATENCY_MS);
    const answer = await fetch(new URL(request.url ?? "/", blobUrl));
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const isMigrated = async (pool: pg.Pool): Promise<boolean> =>
  (await pool.query("select from pg_tables where schemaname = 'proofs' and tablename = 'job'")).rowCount ===
  1;

/** Contents that something was found out about. */
async function decided(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select (select count(*) from proofs.batch where state <> 'pending')::int
       + (select count(*) from proofs.payload where state <> 'pending')::int as count`,
  );
  return rows[0]?.count ?? 0;
}

/** Whether a verifier has work under way; its name among all holds its process id. */
async function holdsLeases(pool: pg.Pool, pid: number): Promise<boolean> {
  const { rows } = await pool.query<{ holds: boolean }>(
    "select exists (select from proofs.job where leased_by like $1) as holds",
    [`%-${pid}-%`],
  );
  return rows[0]?.holds === true;
}

describe("verifiers that are killed again and again", () => {
  let directory: string;
  let devnet: Devnet;
  let aggregator: http.Server;
  const runs: Run[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "opengradient-kills-"));
    devnet = await startDevnet({
      dataDirectory: directory,
      ogPort: await freePort(),
      basePort: await freePort(),
      ...{ blobPort: 0, controlPort: 0, live: false },
    });
    aggregator = await startSlowAggregator(devnet.blobUrl);
  });
  afterAll(async () => {
    for (const { database, pool, system } of runs) {
      await pool.end();
      expect(await system.stop()).toBe(0);
      await database.drop();
    }
    aggregator?.closeAllConnections();
    aggregator?.close();
    await devnet?.stop();
    rmSync(directory, { recursive: true });
  });

  async function start(): Promise<Run> {
    const database = await createTestDatabase();
    const settings = {
      ...devnet.environment,
      DATABASE_URL: database.url,
      DATA_DIR: directory,
      // nobody listens there: what is verified is the other chain's
      BASE_RPC_URL: `http://127.0.0.1:${await freePort()}`,
      WALRUS_AGGREGATOR_URLS: `http://127.0.0.1:${(aggregator.address() as AddressInfo).port}`, // it listens on TCP
      VERIFIER_RETRY_SECONDS: "1,1",
      VERIFIER_UNAVAILABLE_RETRY_SECONDS: "86400",
      VERIFIER_RECHECK_SECONDS: "86400",
      VERIFIER_LEASE_SECONDS: "2",
    };
    const run = { database, settings, pool: connectTo(database.url), system: await startSystem(settings) };
    runs.push(run);
    return run;
  }

  const finished = ({ system, pool }: Run, withinMs: number) =>
    everythingVerified(system, pool, { head: devnet.ogBlock, registry }, withinMs);

  it("leave the rows of one that nobody disturbed", async () => {
    const calm = await start();
    await finished(calm, 200_000);
    const undisturbed = await dumpProofs(calm.pool);
    expect(undisturbed.leaf?.length).toBeGreaterThan(1000);
    expect(undisturbed.node_bucket?.length).toBeGreaterThan(10);
    const { rows: verdicts } = await calm.pool.query<{ verdict: string }>(
      "select distinct verdict from proofs.settled order by 1",
    );
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(["invalid", "partial", "unavailable", "verified"]);
    expect(await calm.system.stop()).toBe(0);

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
      let before = -1;
      for (let time = 0; !stopping; time++) {
        await sleep(KILL_EVERY_MS);
        if (!(await isMigrated(disturbed.pool))) continue;
        // on a machine so busy that a verifier gets nothing done in that time, it is given more
        const now = await decided(disturbed.pool);
        if (now === before) continue;
        before = now;
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
      await finished(disturbed, 400_000);
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

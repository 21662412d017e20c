/**
 * Backfill speed against a local chain of a million logs: the project's handlers cold and warm, handlers that only
 * insert (warm), and the floor (fetch and decode). `BENCH_LOGS` and `BENCH_REPEATS` shorten it.
 * Ends with one JSON line; target: warm at least 0.6 of insert-only.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";
import { readEnvironment } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { PONDER_NODE_FLAGS, PONDER_VARIABLES } from "../../supervisor/programs.ts";
import { median } from "../figures.ts";
import { measureFloor } from "./floor.ts";

const logs = Number(process.env.BENCH_LOGS ?? 1_000_000);
const repeats = Number(process.env.BENCH_REPEATS ?? 3);
const TARGET = 0.6;
/** Ponder limits requests per URL; listing one many times lifts the limit for an RPC of one's own. */
const URL_COPIES = 40;
const MOCK_PORT = 45_990;
const PONDER_PORT = 45_991;
const root = path.resolve(import.meta.dirname, "../..");
const bin = (name: string) => path.join(root, "node_modules", ".bin", name);
const nodePath = `${path.join(root, "node_modules", ".bin")}:${process.env.PATH}`;

interface Run {
  readonly eventsPerSecond: number;
  readonly peakMegabytes: number;
}

const peakMegabytesOf = (pid: number): number => {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? 0) / 1024;
};

const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once("exit", () => resolve()));

/** Runs one backfill in its own schema, stops it when all of history is indexed, and drops the schema. */
async function backfill(app: string, schema: string, databaseUrl: string): Promise<Run> {
  const run = await backfillInto(app, schema, databaseUrl);
  // otherwise autovacuum would still process it during the next run
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`drop schema "${schema}" cascade`);
  await client.query("checkpoint");
  await client.end();
  return run;
}

async function backfillInto(app: string, schema: string, databaseUrl: string): Promise<Run> {
  const url = `http://127.0.0.1:${MOCK_PORT}`;
  // Node itself, not Ponder's shell wrapper, so that the pid is the one whose memory counts.
  const child = spawn(
    bin("node"),
    [
      ...PONDER_NODE_FLAGS,
      path.join(root, "node_modules/ponder/dist/esm/bin/ponder.js"),
      ...["start", "--root", app, "--schema", schema, "--port", String(PONDER_PORT), "--log-format", "json"],
    ],
    {
      cwd: app,
      env: {
        ...process.env,
        ...PONDER_VARIABLES,
        PATH: nodePath,
        DATABASE_URL: databaseUrl,
        OPENGRADIENT_CHAIN: "og",
        OPENGRADIENT_GATEWAY_URLS: Array(URL_COPIES).fill(url).join(","),
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let began = 0;
  let peakMegabytes = 0;
  const sampler = setInterval(() => {
    if (child.pid !== undefined && child.exitCode === null)
      peakMegabytes = Math.max(peakMegabytes, peakMegabytesOf(child.pid));
  }, 500);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const { msg, error } = JSON.parse(line) as { msg: string; error?: { message: string } }; // Ponder's log
      if (error !== undefined) console.error(msg, error.message);
      if (msg.startsWith("Started backfill indexing")) began = performance.now();
      if (!msg.startsWith("Completed backfill indexing")) continue;
      const seconds = (performance.now() - began) / 1000;
      return { eventsPerSecond: logs / seconds, peakMegabytes };
    }
    throw new Error(`${app}: the indexer stopped before history was indexed; see its log above`);
  } finally {
    clearInterval(sampler);
    child.kill("SIGTERM");
    await ended(child);
  }
}

const directory = mkdtempSync(path.join(tmpdir(), "bench-backfill-"));
const environment = readEnvironment({ DATA_DIR: directory });
const database = await acquireDatabase(
  environment,
  createLog({ ...environment, LOG_LEVEL: "warn" }, "bench"),
);
const mock = spawn(bin("node"), [
  path.join(root, "node_modules/tsx/dist/cli.mjs"),
  path.join(import.meta.dirname, "mockChain.ts"),
  String(MOCK_PORT),
  String(logs),
]);
await new Promise((resolve) => mock.stdout.once("data", resolve));

const report = (name: string, { eventsPerSecond, peakMegabytes }: Run) =>
  console.log(
    `${name.padEnd(18)} ${Math.round(eventsPerSecond).toString().padStart(7)} events/s   peak ${Math.round(peakMegabytes)} MB`,
  );

try {
  const insertOnly = path.join(import.meta.dirname, "insertOnly");
  const floor = await measureFloor(`http://127.0.0.1:${MOCK_PORT}`);
  console.log(
    `${"floor".padEnd(18)} ${Math.round(floor.logs / floor.seconds)
      .toString()
      .padStart(7)} events/s   (fetch and decode only)`,
  );
  // The first run fills Ponder's cache of RPC answers: cold.
  const cold = await backfill(root, "cold", database.url);
  report("cold", cold);
  const warm: Run[] = [];
  const inserts: Run[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const insertRun = await backfill(insertOnly, `insert_${repeat}`, database.url);
    report("insert only, warm", insertRun);
    inserts.push(insertRun);
    const warmRun = await backfill(root, `warm_${repeat}`, database.url);
    report("warm", warmRun);
    warm.push(warmRun);
  }
  const warmMedian = median(warm.map((run) => run.eventsPerSecond));
  const insertMedian = median(inserts.map((run) => run.eventsPerSecond));
  console.log(
    JSON.stringify({
      name: "backfill",
      logs,
      floorEventsPerSecond: Math.round(floor.logs / floor.seconds),
      coldEventsPerSecond: Math.round(cold.eventsPerSecond),
      warmEventsPerSecond: Math.round(warmMedian),
      insertOnlyEventsPerSecond: Math.round(insertMedian),
      peakMegabytes: Math.round(Math.max(...warm.map((run) => run.peakMegabytes))),
      insertOnlyPeakMegabytes: Math.round(Math.max(...inserts.map((run) => run.peakMegabytes))),
      ratio: Number((warmMedian / insertMedian).toFixed(3)),
      target: TARGET,
    }),
  );
} finally {
  mock.kill("SIGTERM");
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
}

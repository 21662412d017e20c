/**
 * Speed of selection: a network's history in Postgres with new blocks arriving, the API in its own process as `npm start` runs
 * it, the load generator in a third. Measures `/v1/select?count=3` next to `/health` of the same server, its latency at half of
 * its maximum throughput, the time from a block's commit to a changed answer under that load, and scoring and selection alone.
 * `BENCH_NODES`, `BENCH_DAYS`, `BENCH_REPEATS`, `BENCH_SECONDS` and `BENCH_BLOCKS` shorten it. Ends with one JSON line;
 * target: 0.5 of `/health`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import pg from "pg";
import { createLog } from "../../config/log.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { median, quantile, rounded } from "../figures.ts";
import { type ApiProcess, startApi } from "./apiProcess.ts";
import { LiveChain } from "./blocks.ts";
import { type HistorySize, writeHistory } from "./history.ts";
import { measureInProcess } from "./inProcess.ts";
import { type LoadFigures, load } from "./load.ts";

const nodes = Number(process.env.BENCH_NODES ?? 10_000);
const days = Number(process.env.BENCH_DAYS ?? 90);
const repeats = Number(process.env.BENCH_REPEATS ?? 3);
const seconds = Number(process.env.BENCH_SECONDS ?? 10);
const blocks = Number(process.env.BENCH_BLOCKS ?? 100);
/** Days at the end of the history with every heartbeat: see `HistorySize`. */
const FULL_DAYS = 2;
const SELECT = "/v1/select?count=3";
const BLOCK_EVERY_MS = 1_000;
const WARM_UP_SECONDS = 3;
const TARGETS = { ratio: 0.5, p99Ms: 10, scoreMs: 300, selectMicros: 100, blockToAnswerP99Ms: 500 } as const;

const show = (label: string, text: string) => console.log(`${label.padEnd(36)} ${text}`);

/** A database of its own on the server. */
async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** What the same server needs for a network of ten nodes. */
async function emptyServersMegabytes(serverUrl: string, logFile: string): Promise<number> {
  const url = await createDatabase(serverUrl, "small");
  const size = { nodes: 10, days: 1, fullDays: 1, endsAt: Math.floor(Date.now() / 1_000) };
  await writeHistory(url, size);
  const api = await startApi(url, logFile);
  try {
    await load(`${api.url}${SELECT}`, WARM_UP_SECONDS);
    return api.megabytes();
  } finally {
    await api.stop();
  }
}

interface Round {
  readonly health: LoadFigures;
  readonly select: LoadFigures;
  readonly half: LoadFigures;
}

async function measureRound({ url }: ApiProcess): Promise<Round> {
  const health = await load(`${url}/health`, seconds);
  const select = await load(`${url}${SELECT}`, seconds);
  const half = await load(`${url}${SELECT}`, seconds, select.requestsPerSecond / 2);
  show(
    "requests per second",
    `/health ${rounded(health.requestsPerSecond)}; ${SELECT} ${rounded(select.requestsPerSecond)}, p99 ${select.p99Ms} ms; at half of that p50 ${half.p50Ms} ms, p99 ${half.p99Ms} ms`,
  );
  return { health, select, half };
}

const directory = mkdtempSync(path.join(os.tmpdir(), "bench-select-"));
const logFile = path.join(directory, "api.log");
const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "bench");
const database = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
let api: ApiProcess | undefined;
let chain: LiveChain | undefined;
try {
  const smallMegabytes = await emptyServersMegabytes(database.url, logFile);
  const url = await createDatabase(database.url, "network");
  const size: HistorySize = { nodes, days, fullDays: FULL_DAYS, endsAt: Math.floor(Date.now() / 1_000) };
  show("writing history", `${nodes.toLocaleString("en")} nodes, ${days} days`);
  await writeHistory(url, size);
  chain = await LiveChain.open(url, size);
  await chain.catchUp();

  const inProcess = await measureInProcess(url);
  show("all nodes read", `${rounded(inProcess.readMs)} ms, once when a process starts`);
  show("all nodes scored", `${rounded(inProcess.scoreMs)} ms`);
  show("a new question", `${rounded(inProcess.prepareMs, 1)} ms`);
  show("one selection in process", `${rounded(inProcess.selectMicros, 1)} µs`);

  chain.live();
  api = await startApi(url, logFile);
  show("first selection after the start", `${rounded(api.readyMs)} ms`);
  await load(`${api.url}${SELECT}`, WARM_UP_SECONDS);
  const rounds: Round[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) rounds.push(await measureRound(api));
  await chain.pause();

  const selectPerSecond = median(rounds.map(({ select }) => select.requestsPerSecond));
  const loadSeconds = Math.ceil((blocks * BLOCK_EVERY_MS) / 1_000) + WARM_UP_SECONDS;
  const [arrivals] = await Promise.all([
    chain.measureArrivals(api.url, blocks, BLOCK_EVERY_MS),
    load(`${api.url}${SELECT}`, loadSeconds, selectPerSecond / 2),
  ]);
  show(
    "a block to a changed answer",
    `p50 ${rounded(median(arrivals))} ms, p99 ${rounded(quantile(arrivals, 0.99))} ms, with half load`,
  );
  const megabytes = api.megabytes();
  const bytesPerNode = ((megabytes - smallMegabytes) * 2 ** 20) / nodes;
  show(
    "memory",
    `${rounded(megabytes)} MB; ${rounded(smallMegabytes)} MB with ten nodes; ${rounded(bytesPerNode / 1_024, 1)} KiB per node`,
  );

  const healthPerSecond = median(rounds.map(({ health }) => health.requestsPerSecond));
  const result = {
    name: "select",
    nodes,
    days,
    repeats,
    healthPerSecond: rounded(healthPerSecond),
    selectPerSecond: rounded(selectPerSecond),
    selectP99Ms: median(rounds.map(({ select }) => select.p99Ms)),
    p99AtHalfLoadMs: median(rounds.map(({ half }) => half.p99Ms)),
    scoreMs: rounded(inProcess.scoreMs),
    prepareMs: rounded(inProcess.prepareMs, 1),
    selectMicros: rounded(inProcess.selectMicros, 1),
    blockToAnswerP50Ms: rounded(median(arrivals)),
    blockToAnswerP99Ms: rounded(quantile(arrivals, 0.99)),
    readMs: rounded(inProcess.readMs),
    firstSelectionMs: rounded(api.readyMs),
    bytesPerNode: rounded(bytesPerNode),
    ratio: rounded(
      median(rounds.map(({ health, select }) => select.requestsPerSecond / health.requestsPerSecond)),
      3,
    ),
    target: TARGETS.ratio,
    targets: TARGETS,
  };
  console.log(JSON.stringify(result));
} finally {
  await api?.stop();
  await chain?.close();
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
}

/**
 * How answer times grow with the history: ten typical requests to two APIs of the same build, one with ten times the rows of
 * the other. Both are asked in turn: p50 and p99 of one request at a time, then throughput with ten at once. `--everything` then
 * requests from the larger one every list with each filter and each pair of filters, every aggregate and series, and walks a
 * million rows: see sweep.ts.
 *
 * `BENCH_ROWS` and `BENCH_DAYS` (of the larger history, multiples of ten), `BENCH_SAMPLES` and `BENCH_SECONDS` shorten it; with
 * `BENCH_DIRECTORY` the histories are kept there for the next run. Ends with one JSON line; target: no p50 above 1.5 times
 * that of the smaller history.
 */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createLog } from "../../config/log.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { median, quantile, rounded } from "../figures.ts";
import { load } from "../select/load.ts";
import { ApiProcess } from "./apiProcess.ts";
import { askWell } from "./ask.ts";
import { type Examples, findExamples } from "./examples.ts";
import { openHistory } from "./histories.ts";
import type { HistorySize } from "./history/size.ts";
import { historySizes } from "./shortened.ts";
import { askEverything } from "./sweep.ts";
import { typicalQuestions } from "./typical.ts";

const sizes = historySizes(process.env);
const samples = Number(process.env.BENCH_SAMPLES ?? 200);
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const kept = process.env.BENCH_DIRECTORY;
const everything = process.argv.includes("--everything");
const WARM_UP = 20;
const TARGETS = { ratio: 1.5, slowestMs: 2_000, megabytesOfOne: 50, megabytesOfWalk: 50 } as const;

interface Network {
  readonly size: HistorySize;
  readonly url: string;
  readonly examples: Examples;
  readonly api: ApiProcess;
}

async function open(serverUrl: string, size: HistorySize): Promise<Network> {
  const name = `${size.rows.toLocaleString("en")} rows over ${size.days} days`;
  const url = await openHistory(serverUrl, size, (step) => console.log(`${name}: ${step}`));
  return { size, url, examples: await findExamples(url, size), api: await ApiProcess.start(url) };
}

interface Speed {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** Sends the same request to each network in turn, alternating the order. */
async function measure(urls: readonly [string, string]): Promise<readonly [Speed, Speed]> {
  for (let index = 0; index < WARM_UP; index++) for (const url of urls) await askWell(url);
  const times: readonly [number[], number[]] = [[], []];
  for (let index = 0; index < samples; index++)
    for (const which of index % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
      times[which].push((await askWell(urls[which])).ms);
  const speedOf = async (which: 0 | 1): Promise<Speed> => ({
    p50Ms: median(times[which]),
    p99Ms: quantile(times[which], 0.99),
    perSecond: (await load(urls[which], seconds)).requestsPerSecond,
  });
  return [await speedOf(0), await speedOf(1)];
}

async function measureTypical(small: Network, large: Network) {
  const [fewer, more] = [small, large].map(({ examples }) => typicalQuestions(examples));
  const measured = [];
  for (const [index, { name, path: largePath }] of (more ?? []).entries()) {
    const smallPath = fewer?.[index]?.path ?? largePath;
    const [atSmall, atLarge] = await measure([small.api.url + smallPath, large.api.url + largePath]);
    measured.push({ name, small: atSmall, large: atLarge, ratio: atLarge.p50Ms / atSmall.p50Ms });
  }
  console.table(
    Object.fromEntries(
      measured.map(({ name, small: atSmall, large: atLarge, ratio }) => [
        name,
        {
          "p50 ms, small": rounded(atSmall.p50Ms, 1),
          "p50 ms, large": rounded(atLarge.p50Ms, 1),
          ratio: rounded(ratio, 2),
          "p99 ms, small": rounded(atSmall.p99Ms, 1),
          "p99 ms, large": rounded(atLarge.p99Ms, 1),
          "per second, small": rounded(atSmall.perSecond),
          "per second, large": rounded(atLarge.perSecond),
        },
      ]),
    ),
  );
  return measured;
}

const directory = kept ?? mkdtempSync(path.join(os.tmpdir(), "bench-api-"));
const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "bench");
const database = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
const networks: Network[] = [];
try {
  for (const size of sizes) networks.push(await open(database.url, size));
  const [small, large] = networks;
  if (small === undefined || large === undefined) throw new Error("two networks were opened");
  const measured = await measureTypical(small, large);
  const slowest = everything ? await askEverything(large.url, large.examples) : null;
  const result = {
    name: "api",
    rows: large.size.rows,
    days: large.size.days,
    samples,
    p50Ms: Object.fromEntries(
      measured.map(({ name, small: { p50Ms }, large: { p50Ms: largeP50Ms } }) => [
        name,
        [rounded(p50Ms, 1), rounded(largeP50Ms, 1)],
      ]),
    ),
    p99Ms: rounded(Math.max(...measured.map(({ large: { p99Ms } }) => p99Ms)), 1),
    ...slowest,
    ratio: rounded(Math.max(...measured.map(({ ratio }) => ratio)), 3),
    target: TARGETS.ratio,
    targets: TARGETS,
  };
  console.log(JSON.stringify(result));
} finally {
  for (const { api } of networks) await api.stop();
  await database.stop();
  if (kept === undefined) rmSync(directory, { recursive: true, force: true });
}

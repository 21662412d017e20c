/**
 * Verification speed, with blobs served over HTTP from another process's memory, relative to OpenSSL's own verifications on as
 * many cores in the same run. Measured three ways: signatures alone, without fetching or hashing, which is the runtime's upper
 * bound; up to the verdict on every signature; and up to the rows in Postgres (embedded, on the same cores). Then the verifier's
 * memory over a million leaves. `BENCH_LEAVES`, `BENCH_BATCH`, `BENCH_REPEATS` and `BENCH_MEMORY_LEAVES` shorten it. Ends with
 * one JSON line; target: 0.7 of OpenSSL.
 */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createLog } from "../../config/log.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { median, rounded } from "../figures.ts";
import type { Hosted } from "./blobHost.ts";
import { measureChecking } from "./checked.ts";
import { RecordingVerifier } from "./recorded.ts";
import { measureAlone } from "./verifyAlone.ts";

const leaves = Number(process.env.BENCH_LEAVES ?? 200_000);
const batchSize = Number(process.env.BENCH_BATCH ?? 1_000);
const repeats = Number(process.env.BENCH_REPEATS ?? 3);
const memoryLeaves = Number(process.env.BENCH_MEMORY_LEAVES ?? 1_000_000);
const TARGET = 0.7;
const cores = os.availableParallelism();

const perSecond = (value: number): string => `${Math.round(value).toLocaleString("en")} signatures/s`;

/** RSA-2048 verifications per second on all cores. */
function measureOpenssl(): number {
  const run = spawnSync("openssl", ["speed", "-seconds", "3", "-multi", String(cores), "rsa2048"], {
    encoding: "utf8",
  });
  const line = run.stdout?.split("\n").find((text) => /^rsa\s+2048 bits/.test(text));
  const value = Number(line?.trim().split(/\s+/).at(-1));
  if (!(value > 0))
    throw new Error(`openssl speed printed no line for rsa 2048 bits; is openssl installed?\n${run.stderr}`);
  return value;
}

/** Starts the host; it makes `leaves` leaves, dealt out so often that there are as many as memory is watched over. */
function startHost(): Promise<{ host: ChildProcess; hosted: Hosted }> {
  const host = fork(
    new URL("./blobHost.ts", import.meta.url),
    [leaves, batchSize, Math.max(1, Math.ceil(memoryLeaves / leaves))].map(String),
    { execArgv: ["--import", "tsx"] },
  );
  return new Promise((resolve, reject) => {
    host.once("message", (hosted) => resolve({ host, hosted: hosted as Hosted })); // all it ever sends
    host.once("exit", (code) => reject(new Error(`the blob host ended with ${code}`)));
  });
}

const directory = mkdtempSync(path.join(os.tmpdir(), "bench-verifier-"));
const log = createLog({ LOG_LEVEL: "warn", LOG_FORMAT: "pretty" }, "bench");
const database = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
let host: ChildProcess | undefined;
try {
  console.log(`making ${leaves.toLocaleString("en")} signed leaves in batches of ${batchSize}`);
  const started = await startHost();
  host = started.host;
  const { hosted } = started;
  const firstDeal = { ...hosted, batches: hosted.batches.filter(({ deal }) => deal === 0) };
  const verifier = await RecordingVerifier.start(database.url, hosted);

  const openssl: number[] = [];
  const alone: number[] = [];
  const checked: number[] = [];
  const recorded: number[] = [];
  for (let repeat = 1; repeat <= repeats; repeat++) {
    openssl.push(measureOpenssl());
    alone.push(await measureAlone(cores));
    checked.push(await measureChecking(firstDeal, batchSize, cores));
    await verifier.reset();
    const seconds = await verifier.settle(firstDeal.batches, batchSize);
    recorded.push((firstDeal.batches.length * batchSize) / seconds);
    console.log(
      `${repeat}: openssl ${perSecond(openssl.at(-1) ?? 0)}; verifying alone ${perSecond(alone.at(-1) ?? 0)}; fetch to verdict ${perSecond(checked.at(-1) ?? 0)}; fetch to recorded ${perSecond(recorded.at(-1) ?? 0)}`,
    );
  }

  // the same leaves again and again, in ever other batches: what grows is not what they are
  await verifier.reset();
  let settled = 0;
  let rssAt100k = 0;
  for (let deal = 0; settled < memoryLeaves; deal++) {
    const dealt = hosted.batches.filter((batch) => batch.deal === deal);
    if (dealt.length === 0) break;
    for (let from = 0; from < dealt.length; from += Math.ceil(100_000 / batchSize)) {
      const some = dealt.slice(from, from + Math.ceil(100_000 / batchSize));
      await verifier.settle(some, batchSize);
      settled += some.length * batchSize;
      if (rssAt100k === 0) rssAt100k = verifier.memory("VmRSS");
    }
  }
  const rssAtEnd = verifier.memory("VmRSS");
  console.log(
    `memory after 100,000 leaves ${rounded(rssAt100k)} MB, after ${settled.toLocaleString("en")} ${rounded(rssAtEnd)} MB, at most ${rounded(verifier.memory("VmHWM"))} MB`,
  );
  await verifier.stop();

  const result = {
    name: "verifier",
    cores,
    batchSize,
    leaves: firstDeal.batches.length * batchSize,
    repeats,
    opensslPerSecond: rounded(median(openssl)),
    alonePerSecond: rounded(median(alone)),
    checkedPerSecond: rounded(median(checked)),
    recordedPerSecond: rounded(median(recorded)),
    aloneRatio: rounded(median(alone) / median(openssl), 3),
    checkedRatio: rounded(median(checked) / median(openssl), 3),
    ratio: rounded(median(recorded) / median(openssl), 3),
    target: TARGET,
    memoryLeaves: settled,
    rssAt100kMegabytes: rounded(rssAt100k),
    rssAtEndMegabytes: rounded(rssAtEnd),
  };
  console.log(JSON.stringify(result));
} finally {
  host?.kill();
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
}

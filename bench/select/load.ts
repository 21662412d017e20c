/** Generates load in a separate process: runs autocannon's command line and reads its results. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const AUTOCANNON = createRequire(import.meta.url).resolve("autocannon");
const CONNECTIONS = 10;

export interface LoadFigures {
  readonly requestsPerSecond: number;
  /** By autocannon, corrected for what a slow answer keeps from being asked when a rate is set. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface AutocannonResult {
  readonly requests: { readonly average: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly errors: number;
  readonly non2xx: number;
}

/**
 * Asks a URL again and again.
 * @param perSecond - 0 asks as fast as answers come.
 * @throws when anything but a 2xx is answered: its speed would mean nothing.
 */
export async function load(url: string, seconds: number, perSecond = 0): Promise<LoadFigures> {
  const rate = perSecond === 0 ? [] : ["--overallRate", String(Math.round(perSecond))];
  const child = spawn(
    process.execPath,
    [AUTOCANNON, "--json", "-c", String(CONNECTIONS), "-d", String(seconds), ...rate, url],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const result = JSON.parse(await text(child.stdout)) as AutocannonResult; // what --json prints
  const { requests, latency, errors, non2xx } = result;
  if (errors > 0 || non2xx > 0)
    throw new Error(`${url}: ${errors} errors, ${non2xx} answers that are not 2xx`);
  return { requestsPerSecond: requests.average, p50Ms: latency.p50, p99Ms: latency.p99 };
}

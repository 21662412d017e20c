/** Runs the API in its own process, as `npm start` does. */
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { REGISTRY } from "../../api/testing/worlds/registryHistory.ts";

const root = path.resolve(import.meta.dirname, "../..");
const READY_WITHIN_MS = 180_000;

export interface ApiProcess {
  readonly url: string;
  /** From its start to its first selection. */
  readonly readyMs: number;
  /** Resident, now. */
  readonly megabytes: () => number;
  readonly stop: () => Promise<void>;
}

/** @param logFile - takes what it prints, one line per request among it. */
export async function startApi(databaseUrl: string, logFile: string): Promise<ApiProcess> {
  const startedAt = performance.now();
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, ["--import", "tsx", path.join(root, "api/server.ts")], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: databaseUrl,
      TEE_REGISTRY_ADDRESSES: REGISTRY,
      API_PORT: "0",
      METRICS_PORT: "0",
    },
    stdio: ["ignore", log, log],
  });
  const url = await untilSelecting(child, logFile);
  return {
    url,
    readyMs: performance.now() - startedAt,
    megabytes: () => residentMegabytes(child),
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Where it listens, once it answers. */
async function untilSelecting(child: ChildProcess, logFile: string): Promise<string> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const [, url] = /listening on (http:\S+)/.exec(readFileSync(logFile, "utf8")) ?? [];
    if (url !== undefined && (await fetch(`${url}/v1/select`)).status === 200) return url;
    await sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`the API answers no selection; its log:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
}

function residentMegabytes({ pid }: ChildProcess): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1] ?? Number.NaN) / 1_024;
}

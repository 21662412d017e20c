/** Runs the whole system like `npm start`, in separate processes, for tests that use it over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = path.resolve(import.meta.dirname, "../..");

export interface RunningSystem {
  readonly apiUrl: string;
  readonly supervisor: ChildProcess;
  /** Everything it has printed so far. */
  readonly output: () => string;
  /** Stops it as Ctrl-C does; resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(address),
      );
    });
  });
}

/** Starts the supervisor with these settings on free ports. */
export async function startSystem(settings: Readonly<Record<string, string>>): Promise<RunningSystem> {
  const apiPort = await freePort();
  // two consecutive ports, one per chain; a random even one is as likely to be free as any other
  const ponderPort = 20_000 + Math.floor(Math.random() * 10_000) * 2;
  const supervisor = spawn(
    path.join(root, "node_modules/node/bin/node"),
    ["--import", "tsx", path.join(root, "supervisor/main.ts")],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        API_PORT: String(apiPort),
        PONDER_PORT: String(ponderPort),
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let output = "";
  for (const stream of [supervisor.stdout, supervisor.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const exited = new Promise<number | null>((resolve) => supervisor.once("exit", resolve));
  return {
    apiUrl: `http://127.0.0.1:${apiPort}`,
    supervisor,
    output: () => output,
    stop: () => {
      supervisor.kill("SIGINT");
      return exited;
    },
  };
}

/**
 * Polls until an answer satisfies the condition.
 * @throws with the last answer and the system's last output after `withinMs`.
 */
export async function eventually<T>(
  system: RunningSystem,
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  withinMs: number,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (wanted(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(250);
  }
  const shown = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(
    `not within ${withinMs} ms; last answer: ${shown}\nlast output:\n${system.output().slice(-3000)}`,
  );
}

/** A JSON answer of the API. @throws when the status is not 200. */
export async function getJson<T>(system: RunningSystem, route: string): Promise<T> {
  const response = await fetch(`${system.apiUrl}${route}`);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`GET ${route}: ${response.status} ${body}`);
  return JSON.parse(body) as T; // answers are checked against openapi.json elsewhere
}

/** All rows of a list, streamed from one snapshot. */
export async function getAll<T>(system: RunningSystem, route: string): Promise<T[]> {
  const separator = route.includes("?") ? "&" : "?";
  const response = await fetch(`${system.apiUrl}${route}${separator}format=ndjson&all=true&limit=1000`);
  const body = await response.text();
  if (response.status !== 200) throw new Error(`GET ${route}: ${response.status} ${body}`);
  return body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T); // likewise
}

export interface ChainStatus {
  readonly chainId: number;
  readonly block: { readonly number: number; readonly timestamp: number } | null;
  readonly ready: boolean;
}

export interface Status {
  readonly chains: { readonly og: ChainStatus; readonly base: ChainStatus };
}

export const getStatus = (system: RunningSystem) => getJson<Status>(system, "/v1/status");

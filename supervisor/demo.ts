/**
 * `npm run demo`: the whole system against a devnet that the project brings along. Every start begins afresh, because
 * the devnet's chains are new ones: nothing of an earlier demo is kept but compiled contracts and keys.
 */
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ENVIRONMENT_VARIABLES, type Environment, readEnvironment } from "../config/environment.ts";
import { createLog, type Log } from "../config/log.ts";
import { redactUrls } from "../config/redact.ts";
import { acquireDatabase } from "../db/postgres.ts";
import { type Devnet, startDevnet } from "../devnet/devnet.ts";
import { duration } from "./progress.ts";
import { onStopSignals } from "./stopSignals.ts";
import { type System, startSystem } from "./supervise.ts";

/** What a user's own settings may say about a demo; the rest is the devnet's, or a default. */
const USERS = [
  "API_HOST",
  "API_PORT",
  "METRICS_PORT",
  "PONDER_PORT",
  "MAX_LAG_SECONDS",
  "RATE_LIMIT_PER_MINUTE",
  "RATE_LIMIT_BURST",
  "RATE_LIMIT_LOOPBACK",
  "TRUSTED_PROXY_ADDRESSES",
  "MAX_STREAMS",
  "SHUTDOWN_GRACE_SECONDS",
  "LOG_LEVEL",
  "LOG_FORMAT",
] as const satisfies readonly (keyof Environment)[];
const OBSERVER_INTERVAL_SECONDS = "30";
/** The devnet's blob store has a blob at once or never: nobody watching a demo should wait for days to see it missed. */
const VERIFIER_SETTINGS = {
  VERIFIER_RETRY_SECONDS: "1,2,5,10",
  VERIFIER_UNAVAILABLE_RETRY_SECONDS: "300",
};
const LOOK_EVERY_MS = 250;

/** The process's environment without settings for other networks, and never with a real database. */
function demoVariables(given: NodeJS.ProcessEnv, directory: string): NodeJS.ProcessEnv {
  const ours: readonly string[] = ENVIRONMENT_VARIABLES;
  const users: readonly string[] = USERS;
  return {
    ...Object.fromEntries(
      Object.entries(given).filter(([name]) => !ours.includes(name) || users.includes(name)),
    ),
    DATA_DIR: directory,
    OBSERVER_INTERVAL_SECONDS,
    ...VERIFIER_SETTINGS,
  };
}

/** @throws when another demo runs in the same directory. */
async function wipe(directory: string, log: Log): Promise<void> {
  if (existsSync(path.join(directory, "postgres", "PG_VERSION"))) {
    // a killed demo leaves its Postgres running
    const left = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
    await left.stop();
    if (!left.starter) throw new Error(`another demo runs in ${directory}; stop it first, or set DATA_DIR`);
  }
  rmSync(directory, { recursive: true, force: true });
}

/** The body of a 200. */
const askFor = (url: string): Promise<{ readonly items?: readonly unknown[] } | undefined> =>
  fetch(url, { signal: AbortSignal.timeout(2_000) })
    .then(async (response) => (response.ok ? ((await response.json()) as object) : undefined))
    .catch(() => undefined);

/** Resolves when the API serves a node. @throws the signal's reason. */
async function firstNodeServed(api: string, signal: AbortSignal): Promise<void> {
  // Before it is ready every other question would be a failure in its log.
  while ((await askFor(`${api}/ready`)) === undefined) await sleep(LOOK_EVERY_MS, undefined, { signal });
  while (!(await askFor(`${api}/v1/nodes?limit=1`))?.items?.length)
    await sleep(LOOK_EVERY_MS, undefined, { signal });
}

async function main(stopping: AbortController): Promise<void> {
  const startedAt = Date.now();
  const elapsed = () => duration((Date.now() - startedAt) / 1000);
  const root = path.resolve(readEnvironment(process.env).DATA_DIR);
  const directory = path.join(root, "demo");
  const variables = demoVariables(process.env, directory);
  const settings: Environment = readEnvironment(variables);
  const log = createLog(settings, "demo");

  let devnet: Devnet | undefined;
  let system: System | undefined;
  let starting: Promise<unknown> = Promise.resolve();
  const stop = async () => {
    stopping.abort(new Error("stopping"));
    log.info("stopping; press Ctrl-C again to kill");
    await starting.catch(() => {});
    await system?.stop();
    await devnet?.stop();
    log.info("stopped");
  };
  onStopSignals(
    async () => {
      await stop();
      return 0;
    },
    () => system?.kill(),
  );

  const start = async () => {
    await wipe(directory, log);
    devnet = await startDevnet({
      dataDirectory: root,
      onProgress: (line) => log.part("devnet").info(line),
      onFailure: (error) => {
        if (stopping.signal.aborted) return;
        log.part("devnet").error(error.message);
        void stop().then(() => process.exit(1));
      },
      signal: stopping.signal,
    });
    log.info(
      `devnet ready after ${elapsed()}: og ${devnet.ogUrl}, base ${devnet.baseUrl}, blobs ${devnet.blobUrl}`,
    );
    stopping.signal.throwIfAborted();
    const all = { ...variables, ...devnet.environment };
    system = await startSystem(readEnvironment(all), all, log.part("supervisor"));
  };
  starting = start();
  await starting;

  const api = `http://${settings.API_HOST}:${settings.API_PORT}`;
  await firstNodeServed(api, stopping.signal);
  log.info(
    `first node served ${elapsed()} after the start: ${api}/v1/nodes; the documents are at ${api}/docs`,
  );
}

const stopping = new AbortController();
main(stopping).catch((error: Error) => {
  if (stopping.signal.aborted) return; // the stop that is under way ends the process
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

/**
 * `npm run demo`: the whole system against the project's own devnet. Every start begins from scratch because the devnet's
 * chains are new: of an earlier demo only compiled contracts and keys are kept.
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

/** Settings that a demo takes from the user's environment; the rest come from the devnet or are defaults. */
const USER_SETTINGS = [
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
/** The devnet's blob store has a blob at once or never, so a missing one is declared unavailable in seconds, not days. */
const VERIFIER_SETTINGS = {
  VERIFIER_RETRY_SECONDS: "1,2,5,10",
  VERIFIER_UNAVAILABLE_RETRY_SECONDS: "300",
};
const POLL_EVERY_MS = 250;

/** The process's environment without settings for other networks, and without DATABASE_URL. */
function demoVariables(given: NodeJS.ProcessEnv, directory: string): NodeJS.ProcessEnv {
  const ours: readonly string[] = ENVIRONMENT_VARIABLES;
  const users: readonly string[] = USER_SETTINGS;
  return {
    ...Object.fromEntries(
      Object.entries(given).filter(([name]) => !ours.includes(name) || users.includes(name)),
    ),
    DATA_DIR: directory,
    OBSERVER_INTERVAL_SECONDS,
    ...VERIFIER_SETTINGS,
  };
}

/** Deletes an earlier demo's data. @throws when another demo runs in the same directory. */
async function wipe(directory: string, log: Log): Promise<void> {
  if (existsSync(path.join(directory, "postgres", "PG_VERSION"))) {
    // a killed demo leaves its Postgres running
    const left = await acquireDatabase({ DATABASE_URL: undefined, DATA_DIR: directory }, log);
    await left.stop();
    if (!left.starter)
      throw new Error(`DATA_DIR: another demo is running in ${directory}; stop it, or set another DATA_DIR`);
  }
  rmSync(directory, { recursive: true, force: true });
}

/** The body of a 2xx response; undefined for any other. */
const bodyOf = async (url: string): Promise<{ readonly items?: readonly unknown[] } | undefined> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  return response.ok ? await response.json() : undefined;
};
const askFor = (url: string) => bodyOf(url).catch(() => undefined);

/** Resolves when the API serves a node. @throws the signal's reason. */
async function firstNodeServed(api: string, signal: AbortSignal): Promise<void> {
  // until the API is ready, any other request would show up as a failure in its log
  while ((await askFor(`${api}/ready`)) === undefined) await sleep(POLL_EVERY_MS, undefined, { signal });
  while (!(await askFor(`${api}/v1/nodes?limit=1`))?.items?.length)
    await sleep(POLL_EVERY_MS, undefined, { signal });
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
      `the devnet is ready after ${elapsed()}: og ${devnet.ogUrl}, base ${devnet.baseUrl}, blobs ${devnet.blobUrl}`,
    );
    stopping.signal.throwIfAborted();
    const all = { ...variables, ...devnet.environment };
    system = await startSystem(readEnvironment(all), all, log.part("supervisor"));
  };
  starting = start();
  await starting;

  const api = `http://${settings.API_HOST}:${settings.API_PORT}`;
  await firstNodeServed(api, stopping.signal);
  // Paths of URLs are redacted in logs.
  log.info(`the first node is served after ${elapsed()}: open ${api} in a browser, or ask it for /v1/nodes`);
}

const stopping = new AbortController();
main(stopping).catch((error: Error) => {
  if (stopping.signal.aborted) return; // the running stop ends the process
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

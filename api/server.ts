/** The API as a process: reads the environment, opens connections, listens, and stops cleanly. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { getRequestListener } from "@hono/node-server";
import { CHAIN_NAMES, ConfigurationError, type Environment, readEnvironment } from "../config/environment.ts";
import { createLog, type Log } from "../config/log.ts";
import { acquireDatabase } from "../db/postgres.ts";
import { createApp } from "./app.ts";
import { buildOf } from "./build.ts";
import { createReader, type Reader } from "./queries/database.ts";
import { type ChainIds, PositionWatcher, readProgress } from "./queries/position.ts";
import type { ApiSettings } from "./queries/service.ts";

/** How often positions are looked at without a request: a recovery may begin and end between two of these. */
const WATCH_INTERVAL_MS = 500;
/** Answers under way get so long to finish. */
const GRACE_MS = 3_000;

function packageVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(text) as { version: string }; // npm requires it
  return version;
}

const settingsFrom = (environment: Environment): ApiSettings => ({
  chainIds: { og: environment.OG_CHAIN_ID, base: environment.BASE_CHAIN_ID },
  registries: environment.TEE_REGISTRY_ADDRESSES,
  commonPayees: environment.EXTRA_PAYEE_ADDRESSES,
  // One whole token per payer, operator and day.
  dailyOrganicCaps: [
    { token: environment.OPG_ADDRESS, amount: 10n ** 18n },
    { token: environment.USDC_ADDRESS, amount: 10n ** 6n },
  ],
  maxLagSeconds: environment.MAX_LAG_SECONDS,
  version: packageVersion(),
  build: buildOf(path.join(import.meta.dirname, "..")),
});

/** Shows the watcher every position, so that a recovery is noticed although nobody asked while it began. */
function watchPositions(reader: Reader, watcher: PositionWatcher, chainIds: ChainIds): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async () => {
    try {
      const progress = await reader.read((transaction) => readProgress(transaction, chainIds));
      for (const chain of CHAIN_NAMES) watcher.admit(chain, progress[chain]);
    } catch {
      // the next request meets the same failure and reports it
    }
    if (!stopped) timer = setTimeout(look, WATCH_INTERVAL_MS);
  };
  timer = setTimeout(look, 0);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

async function serve(environment: Environment, log: Log): Promise<void> {
  const database = await acquireDatabase(environment, log);
  const replicas = environment.DATABASE_REPLICA_URLS;
  const reader = createReader({
    urls: replicas.length > 0 ? replicas : [database.url],
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  const watcher = new PositionWatcher();
  const settings = settingsFrom(environment);
  const stopWatching = watchPositions(reader, watcher, settings.chainIds);
  try {
    const app = createApp({
      reader,
      watcher,
      settings,
      clock: Date.now,
      log,
      newRequestId: randomUUID,
      elapsed: () => performance.now(),
    });
    await listenUntilStopped(createServer(getRequestListener(app.fetch)), environment, log);
  } finally {
    stopWatching();
    await reader.close();
    await database.stop();
  }
}

async function listenUntilStopped(
  server: Server,
  { API_PORT, API_HOST }: Environment,
  log: Log,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(API_PORT, API_HOST, resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  log.info(`listening on http://${API_HOST}:${port}`);
  await new Promise<void>((resolve) => {
    // `on`, not `once`: npm may pass the same signal on a second time, which must not end the process half stopped.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(impatience);
}

try {
  const environment = readEnvironment(process.env);
  await serve(environment, createLog(environment, "api"));
} catch (error) {
  if (error instanceof ConfigurationError) console.error(error.message);
  else console.error("The API cannot start:", error);
  process.exitCode = 1;
}

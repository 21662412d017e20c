/** Starts the whole system (database, migrations, both indexers, observer, verifier, API) and restarts what exits. */
import { CHAIN_NAMES, type Environment } from "../config/environment.ts";
import type { Log } from "../config/log.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { acquireDatabase } from "../db/postgres.ts";
import { askHealth } from "./healthCheck.ts";
import { type KeptProcess, keepRunning } from "./process.ts";
import { NODE, SUPERVISED, typeScript } from "./programs.ts";
import { relay } from "./relay.ts";
import type { WatchSettings } from "./watchdog.ts";

/** An indexer gives Ponder 8 s to stop; workers stop quickly. */
const INDEXER_STOPS_WITHIN_MS = 12_000;
const WORKERS_STOP_WITHIN_MS = 5_000;
/** After its grace period the API closes what is left, and its database connections. */
const API_STOPS_AFTER_GRACE_MS = 3_000;
/** A busy machine may delay any process by seconds; none of ours blocks its event loop for longer. */
const WATCH: WatchSettings = { maxSilentMs: 60_000 };
/** Shorter, because clients wait for the API. */
const API_SILENT_MS = 20_000;

interface Part {
  /** As shown in the log's second column. */
  readonly name: string;
  readonly title: string;
  readonly args: readonly string[];
  readonly stopWithinMs: number;
  readonly watch: WatchSettings;
}

const watchApi = ({ API_HOST, API_PORT }: Environment): WatchSettings => ({
  maxSilentMs: API_SILENT_MS,
  // with API_PORT=0 the port is not known here
  ...(API_PORT === 0
    ? {}
    : {
        check: {
          title: "GET /health",
          ask: (signal) => askHealth(API_HOST, API_PORT, signal),
          maxSilentMs: API_SILENT_MS,
        },
      }),
});

/** In start order. */
const partsOf = (environment: Environment): readonly Part[] => [
  ...CHAIN_NAMES.map((chain) => ({
    name: chain,
    title: `the indexer of ${chain}`,
    args: [...typeScript("supervisor/indexer.ts"), chain],
    stopWithinMs: INDEXER_STOPS_WITHIN_MS,
    watch: WATCH,
  })),
  {
    name: "observer",
    title: "the observer",
    args: typeScript("workers/observer/main.ts"),
    stopWithinMs: WORKERS_STOP_WITHIN_MS,
    watch: WATCH,
  },
  {
    name: "verifier",
    title: "the verifier",
    args: typeScript("workers/verifier/main.ts"),
    stopWithinMs: WORKERS_STOP_WITHIN_MS,
    watch: WATCH,
  },
  {
    name: "api",
    title: "the API",
    args: typeScript("api/server.ts"),
    stopWithinMs: environment.SHUTDOWN_GRACE_SECONDS * 1_000 + API_STOPS_AFTER_GRACE_MS,
    watch: watchApi(environment),
  },
];

export interface System {
  /** Stops the API first, then the other parts, and Postgres last. */
  readonly stop: () => Promise<void>;
  /** Kills the parts at once; Postgres is left to `stop`. */
  readonly kill: () => void;
}

/**
 * Starts the system.
 * @param variables - the environment that `environment` was read from; the parts inherit it.
 * @throws when Postgres cannot be reached or migrated; nothing is left running then.
 */
export async function startSystem(
  environment: Environment,
  variables: NodeJS.ProcessEnv,
  log: Log,
): Promise<System> {
  const database = await acquireDatabase(environment, log.part("postgres"));
  try {
    await migrateDatabase(database.url);
  } catch (error) {
    await database.stop();
    throw error;
  }
  const env = { ...variables, DATABASE_URL: database.url, LOG_FORMAT: "json" };
  const running = partsOf(environment).map(({ name, title, args, stopWithinMs, watch }): KeptProcess => {
    const own = log.part(name);
    return keepRunning(
      {
        title,
        program: NODE,
        args: () => [...SUPERVISED, ...args],
        env,
        detached: true,
        stopWithinMs,
        watch,
        onLine: (line) => relay(line, own),
      },
      log,
    );
  });
  return {
    stop: async () => {
      // readers before writers, so that the API never reads from a half-stopped system
      const [api, ...rest] = running.toReversed();
      await api?.stop();
      await Promise.all(rest.map((part) => part.stop()));
      await database.stop();
    },
    kill: () => {
      for (const part of running) part.kill();
    },
  };
}

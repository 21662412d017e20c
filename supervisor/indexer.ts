/** `npm run indexer:og`, `npm run indexer:base`: runs one chain's gateway and Ponder, publishes its deployment and logs progress. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import {
  CHAIN_NAMES,
  type ChainName,
  chainSettings,
  type Environment,
  readEnvironment,
} from "../config/environment.ts";
import { createLog, type Log } from "../config/log.ts";
import { ConfigurationError } from "../config/variables.ts";
import { migrateDatabase } from "../db/migrate.ts";
import { acquireDatabase } from "../db/postgres.ts";
import { deploymentSchema } from "./deployment.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import { releaseStaleLock } from "./ponderLock.ts";
import { createTranslation } from "./ponderLog.ts";
import { type KeptProcess, keepRunning } from "./process.ts";
import { NODE, PONDER, PONDER_NODE_FLAGS, PONDER_VARIABLES, PROJECT, SUPERVISED } from "./programs.ts";
import { createPace, describeBackfill, describeLive, readMetrics, type Sample } from "./progress.ts";
import { checkpointBlock, checkpointTime, dropSuperseded, publish, recordStart } from "./publish.ts";
import { createStallWatch, type Stall } from "./stall.ts";
import { onStopSignals } from "./stopSignals.ts";

/** Ponder starts with 20 requests a second per URL, so the gateway, which has its own policy, is listed many times. */
const GATEWAY_LISTINGS = 40;
const PUBLISH_EVERY_MS = 500;
const PROGRESS_EVERY_MS = 5_000;
const LIVE_EVERY_MS = 30_000;
const DROP_EVERY_MS = 60_000;
const DROP_AFTER_SECONDS = 600;
/** Ponder takes up to 5 s to stop. */
const PONDER_STOPS_WITHIN_MS = 8_000;
/** A backfill keeps its event loop busy for seconds at a time. */
const PONDER_SILENT_MS = 180_000;
const ASK_TIMEOUT_MS = 5_000;

const after = (signal: AbortSignal, ms: number) => sleep(ms, undefined, { signal });

/** Repeats `task` until `signal` aborts; a failed run is logged and retried. */
async function repeatedly(
  log: Log,
  what: string,
  everyMs: number,
  signal: AbortSignal,
  task: () => Promise<unknown>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await task();
    } catch (error) {
      if (!signal.aborted)
        log.warn(`${what} failed, retrying: ${error instanceof Error ? error.message : error}`);
      await after(signal, 5_000).catch(() => {});
    }
    await after(signal, everyMs).catch(() => {});
  }
}

/** A pool that reconnects after Postgres restarts. */
function connect(url: string, log: Log): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 3, application_name: "indexer" });
  pool.on("error", (error) => log.debug(`Postgres connection lost: ${error.message}`));
  return pool;
}

async function withClient<T>(pool: pg.Pool, use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    const result = await use(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true); // its transaction may be in any state
    throw error;
  }
}

interface PonderSettings {
  readonly chain: ChainName;
  readonly environment: Environment;
  readonly databaseUrl: string;
  readonly gateway: Gateway;
  /** Asked before every start. */
  readonly schema: () => string;
  readonly beforeStart: (signal: AbortSignal) => Promise<void>;
  readonly onPort: (port: number) => void;
}

function startPonder(settings: PonderSettings, log: Log): KeptProcess {
  const { chain, environment, gateway } = settings;
  const translate = createTranslation(log, gateway.describe);
  const port = environment.PONDER_PORT + CHAIN_NAMES.indexOf(chain);
  const { PORT: _port, ...inherited } = process.env; // PORT would take precedence over --port
  return keepRunning(
    {
      title: "Ponder",
      program: NODE,
      args: () => [
        ...SUPERVISED,
        ...PONDER_NODE_FLAGS,
        PONDER,
        "start",
        ...["--schema", settings.schema()],
        ...["--port", String(port)],
        ...["--hostname", "127.0.0.1"],
        ...["--log-format", "json"],
        ...["--log-level", environment.LOG_LEVEL === "trace" ? "debug" : "info"],
      ],
      env: {
        ...inherited,
        ...PONDER_VARIABLES,
        DATABASE_URL: settings.databaseUrl,
        OPENGRADIENT_CHAIN: chain,
        OPENGRADIENT_GATEWAY_URLS: Array.from({ length: GATEWAY_LISTINGS }, () => gateway.url).join(","),
      },
      // in the indexer's process group, so that killing the group ends it too
      detached: false,
      stopWithinMs: PONDER_STOPS_WITHIN_MS,
      watch: { maxSilentMs: PONDER_SILENT_MS },
      beforeStart: settings.beforeStart,
      onLine: (line) => {
        const { port: actual } = translate(line);
        if (actual !== undefined) settings.onPort(actual);
      },
    },
    log,
  );
}

async function sample(
  pool: pg.Pool,
  schema: string,
  gateway: Gateway,
  port: number,
): Promise<Sample | undefined> {
  const { rows: tables } = await pool.query<{ found: string | null }>("select to_regclass($1) as found", [
    `${schema}._ponder_checkpoint`,
  ]);
  if (tables[0]?.found == null) return undefined;
  const { rows } = await pool.query<{ latest: string }>(
    `select latest_checkpoint as latest from ${pg.escapeIdentifier(schema)}._ponder_checkpoint limit 1`,
  );
  const latest = rows[0]?.latest;
  const timeout = AbortSignal.timeout(ASK_TIMEOUT_MS);
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: timeout });
  return {
    ...readMetrics(await response.text()),
    indexedBlock: latest === undefined ? undefined : checkpointBlock(latest),
    indexedAt: latest === undefined ? undefined : checkpointTime(latest),
    headBlock: await gateway.headBlock(timeout),
    takenAtMs: Date.now(),
  };
}

async function showProgress(
  log: Log,
  signal: AbortSignal,
  startBlock: number,
  take: () => Promise<Sample | undefined>,
  onStall: (stall: Stall) => void,
): Promise<void> {
  const paceOf = createPace(startBlock);
  const stallOf = createStallWatch();
  let live = false;
  while (!signal.aborted) {
    // while the RPC or Ponder is down, the gateway or the process's keeper says so
    const now = await take().catch(() => undefined);
    if (now !== undefined && !signal.aborted) {
      const pace = paceOf(now);
      if (now.live) {
        if (!live) log.info("live");
        log.info(describeLive(now, Date.now()));
      } else log.info(describeBackfill(now, pace, startBlock));
      live = now.live;
      const stall = stallOf(now);
      if (stall !== undefined) onStall(stall);
    }
    await after(signal, live ? LIVE_EVERY_MS : PROGRESS_EVERY_MS).catch(() => {});
  }
}

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  const chain = CHAIN_NAMES.find((name) => name === process.argv[2]);
  if (chain === undefined)
    throw new ConfigurationError([
      `argument 1: "${process.argv[2] ?? ""}" is not a chain; give one of ${CHAIN_NAMES.join(", ")}`,
    ]);
  const log = createLog(environment, chain);
  const settings = chainSettings(environment, chain);
  const stopping = new AbortController();
  const { signal } = stopping;
  let ponder: KeptProcess | undefined;
  let finish = async () => {};
  onStopSignals(
    async () => {
      stopping.abort(new Error("stopping"));
      await ponder?.stop();
      await finish();
      return 0;
    },
    () => {
      ponder?.kill();
      process.exit(130);
    },
  );

  const database = await acquireDatabase(environment, log);
  finish = database.stop;
  await migrateDatabase(database.url);
  const prefix = chain.toUpperCase();
  const gateway = await startGateway(
    {
      chainId: settings.chainId,
      urls: settings.rpcUrls,
      wsUrl: settings.wsUrl,
      urlVariable: `${prefix}_RPC_URL`,
      wsUrlVariable: `${prefix}_WS_URL`,
      chainIdVariable: `${prefix}_CHAIN_ID`,
    },
    log,
  );
  const pool = connect(database.url, log);
  finish = async () => {
    await gateway.stop();
    await pool.end();
    await database.stop();
  };
  if (signal.aborted) return;

  let schema: string | undefined;
  let metricsPort: number | undefined;
  ponder = startPonder(
    {
      chain,
      environment,
      databaseUrl: database.url,
      gateway,
      schema: () => schema ?? deploymentSchema(PROJECT, environment, chain),
      beforeStart: async (stopped) => {
        metricsPort = undefined;
        // the code may have changed since the last start, and Ponder refuses a schema that other code wrote
        const next = deploymentSchema(PROJECT, environment, chain);
        const ownEnded = next === schema;
        if (next !== schema) {
          await withClient(pool, (client) => recordStart(client, chain, next));
          log.info(
            `indexing chain ${settings.chainId} from block ${settings.startBlock} into schema ${next}`,
          );
          schema = next;
        }
        await gateway.waitUntilReachable(stopped);
        await withClient(pool, (client) =>
          releaseStaleLock(client, next, ownEnded, stopped, () =>
            log.info(`schema ${next} is still locked by an earlier run; waiting for it to end`),
          ),
        );
      },
      onPort: (port) => {
        metricsPort = port;
      },
    },
    log,
  );

  void repeatedly(log, "publishing", PUBLISH_EVERY_MS, signal, async () => {
    const next = schema;
    if (next === undefined) return;
    const outcome = await withClient(pool, (client) => publish(client, chain, next));
    if (outcome === "published") log.info(`published: the schema ${chain} now shows ${next}`);
  });
  void repeatedly(log, "dropping superseded deployments", DROP_EVERY_MS, signal, async () => {
    const dropped = await withClient(pool, (client) => dropSuperseded(client, chain, DROP_AFTER_SECONDS));
    for (const name of dropped) log.info(`dropped the superseded schema ${name}`);
  });
  const onStall = ({ reason, restart }: Stall) => {
    const where = `${reason}; ${gateway.describe()}`;
    if (!restart) return log.warn(`the indexer is stalled: ${where}`);
    metricsPort = undefined;
    ponder?.replace(where);
  };
  const take = async () =>
    metricsPort === undefined || schema === undefined
      ? undefined
      : sample(pool, schema, gateway, metricsPort);
  void showProgress(log, signal, settings.startBlock, take, onStall);
}

main().catch((error: Error) => {
  createLog(
    { LOG_LEVEL: "info", LOG_FORMAT: process.env.LOG_FORMAT === "json" ? "json" : "pretty" },
    process.argv[2] ?? "indexer",
  ).error(error.message);
  process.exit(1);
});

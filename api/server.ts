/** The API process: reads the environment, starts each part, serves until it is stopped, and stops each part. */
import { randomUUID } from "node:crypto";
import path from "node:path";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { createLog, type Log } from "../config/log.ts";
import { redactUrls } from "../config/redact.ts";
import { ConfigurationError } from "../config/variables.ts";
import { acquireDatabase } from "../db/postgres.ts";
import { createApp } from "./app.ts";
import { createHttpServer, type HttpServer } from "./http/httpServer.ts";
import { StoppableLifetime } from "./http/lifetime.ts";
import { listen } from "./http/listen.ts";
import { accessLog } from "./operations/accessLog.ts";
import { registerGauges } from "./operations/gauges.ts";
import { createMetrics } from "./operations/metrics.ts";
import { serveMetrics } from "./operations/metricsServer.ts";
import { createReader } from "./queries/reading/database.ts";
import { PositionWatcher } from "./queries/state/position.ts";
import type { ApiService } from "./queries/state/service.ts";
import type { Snapshot } from "./snapshot/snapshot.ts";
import { rateLimitsFrom, settingsFrom } from "./wiring/settings.ts";
import { startSnapshots } from "./wiring/startSnapshots.ts";
import { startStream } from "./wiring/startStream.ts";
import { watchIndex } from "./wiring/watchIndex.ts";
import { watchPositions } from "./wiring/watchPositions.ts";

const PROJECT = path.join(import.meta.dirname, "..");

async function serve(environment: Environment, log: Log): Promise<void> {
  const database = await acquireDatabase(environment, log);
  const replicas = environment.DATABASE_REPLICA_URLS;
  const readUrls = replicas.length > 0 ? replicas : [database.url];
  const reader = createReader({
    urls: readUrls,
    onConnectionError: (error) => log.warn("idle database connection lost", { error }),
  });
  const settings = settingsFrom(environment, PROJECT);
  const lifetime = new StoppableLifetime();
  const watcher = new PositionWatcher();
  const service: ApiService = { reader, watcher, settings, clock: Date.now, log, lifetime };
  const elapsed = () => performance.now();
  const metrics = createMetrics(settings.version);

  const { stream, stop: stopStream } = startStream({
    ...service,
    readUrls,
    elapsed,
    maxStreams: environment.MAX_STREAMS,
  });
  const stopPositions = watchPositions({ readUrls, watcher, chainIds: settings.chainIds, log });
  const onNew = (snapshot: Snapshot) => void stream.publishNodes(snapshot);
  const { snapshots, stop: stopSnapshots } = startSnapshots({ readUrls, watcher, settings, log, onNew });
  const stopIndex = watchIndex({ databaseUrl: database.url, readUrls, log }, (news) => {
    if (news === "og" || news === "anything") void snapshots.refresh();
    void stream.publishChains();
  });
  registerGauges(metrics, service, stream, snapshots, elapsed);
  const stopMetrics = await serveMetrics(metrics, environment.METRICS_PORT, log);

  try {
    const { fetch } = createApp({
      ...service,
      newRequestId: randomUUID,
      newSeed: randomUUID,
      snapshots,
      stream,
      elapsed,
      observers: [accessLog(log), metrics.observer],
      rateLimits: rateLimitsFrom(environment),
      trustedProxies: environment.TRUSTED_PROXY_ADDRESSES,
    });
    const graceMs = environment.SHUTDOWN_GRACE_SECONDS * 1_000;
    const server = createHttpServer({ fetch, lifetime, newRequestId: randomUUID, log, graceMs });
    await listenUntilStopped(server, environment, log);
  } finally {
    stopMetrics();
    for (const stop of [stopPositions, stopIndex, stopStream, stopSnapshots]) await stop();
    await reader.close();
    await database.stop();
  }
}

async function listenUntilStopped(
  { server, stop }: HttpServer,
  { API_PORT, API_HOST }: Environment,
  log: Log,
): Promise<void> {
  const port = await listen(server, API_PORT, API_HOST);
  log.info(`listening on http://${API_HOST}:${port}`);
  await new Promise<void>((resolve) => {
    // `on`, not `once`: npm may forward the same signal again, which must not kill the process during its shutdown.
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => resolve());
  });
  await stop();
}

try {
  const environment = readEnvironment(process.env);
  await serve(environment, createLog(environment, "api"));
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(
    redactUrls(error instanceof ConfigurationError ? error.message : `The API cannot start: ${text}`),
  );
  process.exitCode = 1;
}

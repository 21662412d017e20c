/** `npm run verifier`: checks the proofs that settlements refer to. Any number of verifiers may share one database. */
import { randomUUID } from "node:crypto";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { chainSettings, readEnvironment } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { redactUrls } from "../../config/redact.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { PAYLOAD_LIMITS } from "../../proofs/payloadLimits.ts";
import { connectionPool } from "./connections.ts";
import { Aggregators } from "./fetch/aggregators.ts";
import { HttpGet } from "./fetch/httpGet.ts";
import { LargeBlobSlots } from "./fetch/memoryHold.ts";
import { Verifier } from "./verifier.ts";

/** To establish a connection, TLS included. */
const CONNECT_MS = 5_000;
/** Without receiving anything. */
const STALL_MS = 10_000;
/** Blobs over 1 MiB in memory at once. */
const LARGE_BLOBS = 4;
/** Jobs not recorded by then are left until their leases expire. */
const STOP_WITHIN_MS = 2_500;

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment, "verifier");
  const { chainId } = chainSettings(environment, "og");
  const [registry] = environment.TEE_REGISTRY_ADDRESSES;
  if (registry === undefined)
    throw new Error("TEE_REGISTRY_ADDRESSES: no address is given; give at least the current registry, first");
  const stopping = new AbortController();
  let stop = async () => {};
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      // npm may forward the same signal again
      if (stopping.signal.aborted) return;
      stopping.abort(new Error("the verifier is being stopped"));
      stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });

  const database = await acquireDatabase(environment, log);
  stop = database.stop;
  await migrateDatabase(database.url);
  const pool = connectionPool(database.url);
  pool.on("error", (error) => log.debug(`Postgres connection lost: ${error.message}`));
  const http = new HttpGet({ allowPrivate: environment.WALRUS_ALLOW_PRIVATE });
  const totalMs = environment.VERIFIER_FETCH_SECONDS * 1000;
  const verifier = new Verifier(
    pool,
    {
      chainId,
      registry,
      threads: environment.VERIFIER_THREADS || os.availableParallelism(),
      leaseSeconds: environment.VERIFIER_LEASE_SECONDS,
      batchLimits: {
        maxBytes: environment.VERIFIER_MAX_BLOB_BYTES,
        maxLeaves: environment.VERIFIER_MAX_LEAVES,
      },
      payloadLimits: { ...PAYLOAD_LIMITS, maxBytes: environment.VERIFIER_MAX_BLOB_BYTES },
      holder: `${os.hostname()}-${process.pid}-${randomUUID()}`,
      databaseUrl: database.url,
    },
    {
      aggregators: new Aggregators(
        environment.WALRUS_AGGREGATOR_URLS,
        http,
        {
          maxBytes: environment.VERIFIER_MAX_BLOB_BYTES,
          connectMs: Math.min(CONNECT_MS, totalMs),
          stallMs: Math.min(STALL_MS, totalMs),
          totalMs,
        },
        { nowMs: Date.now, random: Math.random },
      ),
      largeBlobs: new LargeBlobSlots(LARGE_BLOBS),
      schedule: {
        absenceDelays: environment.VERIFIER_RETRY_SECONDS,
        unavailableDelay: environment.VERIFIER_UNAVAILABLE_RETRY_SECONDS,
        recheckDelay: environment.VERIFIER_RECHECK_SECONDS,
      },
      random: Math.random,
    },
    log,
  );
  log.info("checking proofs", { threads: environment.VERIFIER_THREADS || os.availableParallelism() });
  const running = verifier.run(stopping.signal);
  stop = async () => {
    await Promise.race([running, sleep(STOP_WITHIN_MS)]);
    http.close();
    await Promise.race([pool.end(), sleep(STOP_WITHIN_MS)]);
    await database.stop();
  };
  await running;
}

main().catch((error: Error) => {
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

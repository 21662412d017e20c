/** `npm run observer`: reads what no event announces from the head of each chain: node records and token metadata. */
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { chainSettings, readEnvironment } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { redactUrls } from "../../config/redact.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { Steps } from "../steps.ts";
import { messageOf } from "./endpoint.ts";
import { Observer } from "./observer.ts";
import { TokenReader } from "./tokens.ts";

/** Pause between batches, and between polls for something to read. */
const POLL_EVERY_MS = 2_000;
/** After a failure that affects more than one node. */
const RETRY_SECONDS = 15;
const nowMs = () => performance.now();
/** Longer than one call can take with its retries. */
const MAX_QUIET_SECONDS = 120;

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment, "observer");
  const stopping = new AbortController();
  let stop = async () => {};
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      // npm may forward the same signal again
      if (stopping.signal.aborted) return;
      stopping.abort();
      stop().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });

  const database = await acquireDatabase(environment, log);
  stop = database.stop;
  await migrateDatabase(database.url);
  const pool = new pg.Pool({ connectionString: database.url, max: 2, application_name: "observer" });
  pool.on("error", (error) => log.debug(`Postgres connection lost: ${error.message}`));
  const { signal } = stopping;
  const steps = new Steps();
  /** The loops are independent: a chain that does not answer does not delay the other. */
  const repeat = async (name: string, work: (advanced: () => void) => Promise<unknown>): Promise<void> => {
    while (!signal.aborted) {
      let waitMs = POLL_EVERY_MS;
      await steps.run(name, MAX_QUIET_SECONDS, work).catch((error: unknown) => {
        if (signal.aborted) return;
        log.warn(`${name}: ${messageOf(error)}; retrying in ${RETRY_SECONDS} s`);
        waitMs = RETRY_SECONDS * 1_000;
      });
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  };
  const observer = new Observer(
    pool,
    drizzle(pool),
    {
      chain: chainSettings(environment, "og"),
      intervalMs: environment.OBSERVER_INTERVAL_SECONDS * 1_000,
      nowMs,
    },
    log,
  );
  const configured = [environment.OPG_ADDRESS, environment.USDC_ADDRESS];
  const tokens = new TokenReader(pool, chainSettings(environment, "base"), configured, nowMs, log);
  const running = Promise.all([
    repeat("read node records", (advanced) => observer.step(signal, advanced)),
    repeat("read tokens", (advanced) => tokens.step(signal, advanced)),
  ]);
  stop = async () => {
    await running;
    await pool.end();
    await database.stop();
  };
  await running;
}

main().catch((error: Error) => {
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

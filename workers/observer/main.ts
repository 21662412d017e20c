/** `npm run observer`: reads node records at the head, soon after an event and every now and then without one. */
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { chainSettings, readEnvironment } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { redactUrls } from "../../config/redact.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { Steps } from "../steps.ts";
import { Observer } from "./observer.ts";

/** From one look for nodes to read to the next, and from one batch to the next. */
const LOOK_EVERY_MS = 2_000;
/** After a failure that is no single node's. */
const RETRY_SECONDS = 15;
/** Longer than one call can take with its retries. */
const MAX_QUIET_SECONDS = 120;

async function main(): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment, "observer");
  const chain = chainSettings(environment, "og");
  const stopping = new AbortController();
  let stop = async () => {};
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => {
      // npm may pass the same signal on a second time
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
  let step: Promise<unknown> = Promise.resolve();
  stop = async () => {
    await step;
    await pool.end();
    await database.stop();
  };

  const { signal } = stopping;
  const steps = new Steps();
  const observer = new Observer(
    pool,
    drizzle(pool),
    { chain, intervalMs: environment.OBSERVER_INTERVAL_SECONDS * 1_000, nowMs: () => performance.now() },
    log,
  );
  while (!signal.aborted) {
    let waitMs = LOOK_EVERY_MS;
    step = steps
      .run("read node records", MAX_QUIET_SECONDS, (advanced) => observer.step(signal, advanced))
      .catch((error: Error) => {
        if (signal.aborted) return;
        log.warn(`${error.message}; trying again in ${RETRY_SECONDS} s`);
        waitMs = RETRY_SECONDS * 1_000;
      });
    await step;
    await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

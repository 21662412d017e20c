/**
 * `npm run observer`: reads every known node's record at the head, on a slow cycle, because no event announces an
 * OHTTP key or a changed record.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { chainSettings, readEnvironment } from "../../config/environment.ts";
import { createLog } from "../../config/log.ts";
import { redactUrls } from "../../config/redact.ts";
import { migrateDatabase } from "../../db/migrate.ts";
import { acquireDatabase } from "../../db/postgres.ts";
import { observe } from "./cycle.ts";

/** While there is nothing to observe, or it failed. */
const SOON_SECONDS = 15;

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
  let cycle: Promise<unknown> = Promise.resolve();
  stop = async () => {
    await cycle;
    await pool.end();
    await database.stop();
  };

  while (!stopping.signal.aborted) {
    const run = observe(pool, drizzle(pool), chain, log, stopping.signal).catch((error: Error) => {
      if (!stopping.signal.aborted) log.warn(`${error.message}; trying again in ${SOON_SECONDS} s`);
      return undefined;
    });
    cycle = run;
    const observed = await run;
    const waitSeconds = observed === undefined ? SOON_SECONDS : environment.OBSERVER_INTERVAL_SECONDS;
    await sleep(waitSeconds * 1000, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${redactUrls(error.message)}\n`);
  process.exit(1);
});

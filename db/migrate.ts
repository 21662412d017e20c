/** Migrates our own schemas; Ponder manages its own. */
import path from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import pg from "pg";

/** Any constant that no other advisory lock of the database uses. */
const MIGRATION_LOCK = 0x4f47_0002;
export const MIGRATIONS_FOLDER = path.join(import.meta.dirname, "migrations");

/**
 * Runs the missing migrations; concurrent callers wait for each other.
 * @param folder - tests pass their own.
 */
export async function migrateDatabase(url: string, folder = MIGRATIONS_FOLDER): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "migrations" });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
    // the journal must not be in a schema that the migrations themselves create
    await migrate(drizzle(client), {
      migrationsFolder: folder,
      migrationsSchema: "migrations",
      migrationsTable: "applied",
    });
  } finally {
    await client.end(); // releases the lock
  }
}

/** Creates a database for one test file, in the Postgres that all test files share. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

async function run(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Time for connections to close; those still open afterwards are terminated. */
const CLOSING_MS = 3_000;

async function drop(client: pg.Client, name: string): Promise<void> {
  const deadline = Date.now() + CLOSING_MS;
  for (let open = 1; open > 0 && Date.now() < deadline; await sleep(20)) {
    const { rows } = await client.query<{ count: number }>(
      "select count(*)::int from pg_stat_activity where datname = $1",
      [name],
    );
    open = rows[0]?.count ?? 0;
  }
  await client.query(`drop database if exists ${name} with (force)`);
}

/** Creates an empty database; only for the projects `postgres` and `chain`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject("postgresUrl");
  const name = `test_${randomBytes(6).toString("hex")}`;
  await run(server, (client) => client.query(`create database ${name}`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(server, (client) => drop(client, name)) };
}

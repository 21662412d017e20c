/** Databases with one history each, written once and reused while their directory exists. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import type { HistorySize } from "./history/size.ts";
import { writeHistory } from "./history/write.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** A digest of everything that determines a history's rows. */
function fingerprint(): string {
  const hash = createHash("sha256");
  const folders = ["bench/api/history", "db/migrations"].map((folder) => path.join(root, folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(ts|sql)$/.test(name))
      .sort()
      .map((name) => path.join(folder, name)),
  );
  const others = ["ponder.schema.ts", "api/testing/worlds/paymentSums.ts"].map((file) =>
    path.join(root, file),
  );
  for (const file of [...others, ...files]) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

const urlOf = (serverUrl: string, name: string): string => {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
};

/**
 * Returns the database with a history of this size, existing or new. Outdated ones of the same size are dropped.
 * @param report - called after each step.
 */
export async function openHistory(
  serverUrl: string,
  size: HistorySize,
  report: (step: string) => void,
): Promise<string> {
  const prefix = `history_${size.rows}_${size.days}_`;
  const name = prefix + fingerprint();
  const url = urlOf(serverUrl, name);
  const found = await query<{ name: string }>(
    serverUrl,
    `select datname as name from pg_database where starts_with(datname, '${prefix}')`,
  );
  if (found.some((database) => database.name === name) && (await holdsRows(url))) return url;
  for (const database of found) await query(serverUrl, `drop database ${database.name}`);
  const unfinished = `${prefix}unfinished`;
  await query(serverUrl, `create database ${unfinished}`);
  await writeHistory(urlOf(serverUrl, unfinished), size, report);
  await query(serverUrl, `alter database ${unfinished} rename to ${name}`);
  return url;
}

/** A crash of Postgres empties unlogged tables. */
async function holdsRows(url: string): Promise<boolean> {
  const [row] = await query<{ found: boolean }>(url, "select exists (select from base.payment) as found");
  return row?.found ?? false;
}

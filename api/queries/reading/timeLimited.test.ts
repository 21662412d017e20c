import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import type { ReadTransaction } from "./database.ts";
import { limitTime } from "./timeLimited.ts";

const dialect = new PgDialect();

/** Remembers statements; each takes as long as it says. */
function fake(costMs: number) {
  const asked: string[] = [];
  const clock = { ms: 0 };
  const run = async (query: SQL): Promise<readonly never[]> => {
    const { sql: text, params } = dialect.sqlToQuery(query);
    asked.push(text.startsWith("select set_config") ? `limit ${params[0]}` : text);
    if (!text.startsWith("select set_config")) clock.ms += costMs;
    return [];
  };
  const transaction: ReadTransaction = { rows: run, attempt: run };
  return { transaction, asked, clock };
}

test("quick statements share one limit", async () => {
  const { transaction, asked, clock } = fake(10);
  const limited = await limitTime(transaction, 1_000, () => clock.ms);
  for (let index = 0; index < 5; index++) await limited.rows(sql`select 1`);
  expect(asked).toEqual(["limit 1000", "select 1", "select 1", "select 1", "select 1", "select 1"]);
});

test("slow ones get what is left, and nothing when nothing is", async () => {
  const { transaction, asked, clock } = fake(400);
  const limited = await limitTime(transaction, 1_000, () => clock.ms);
  await limited.rows(sql`select 1`);
  await limited.attempt(sql`select 2`);
  await limited.rows(sql`select 3`);
  await expect(limited.rows(sql`select 4`)).rejects.toMatchObject({ code: "timeout" });
  expect(asked).toEqual(["limit 1000", "select 1", "limit 600", "select 2", "limit 200", "select 3"]);
});

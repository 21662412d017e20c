/** Which observations off chain an answer may have used. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";

/** Grows whenever an observation is added: two answers of one block may differ by it. 0 when there can be none. */
export async function observationRevision(transaction: ReadTransaction): Promise<number> {
  const rows = await transaction.attempt<{ value: number }>(
    sql`select value from observations.revision where id = 1`,
  );
  return rows?.[0]?.value ?? 0;
}

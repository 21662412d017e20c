/** Which observations off chain an answer may have used. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";

/** Changes whenever an observation is added: two answers of one block may differ by it. */
export async function observationRevision(transaction: ReadTransaction): Promise<string> {
  const [row] = await transaction.rows<{ revision: string }>(sql`
    select count(*) || '-' || coalesce(max(block_number), 0) as revision from observations.node_record`);
  return row?.revision ?? "";
}

/** A transaction that ends in time, whatever is asked of it. */
import { type SQL, sql } from "drizzle-orm";
import { ApiError } from "../../errors.ts";
import type { ReadTransaction } from "./database.ts";

/** A statement's own limit is set anew only when this share of the time is gone, to spare most answers the trip. */
const SLACK = 0.1;

/**
 * Bounds all statements together: each may take what is left, give or take a tenth.
 * @param now - milliseconds of a clock that only goes forward.
 * @throws {ApiError} `timeout` from statements asked too late; one that takes too long is cancelled by Postgres.
 */
export async function limitTime(
  transaction: ReadTransaction,
  limitMs: number,
  now: () => number,
): Promise<ReadTransaction> {
  const endsAt = now() + limitMs;
  let allowedMs = Number.POSITIVE_INFINITY;
  const allowRest = async (): Promise<void> => {
    const leftMs = Math.ceil(endsAt - now());
    if (leftMs <= 0)
      throw new ApiError(
        "timeout",
        `The answer takes more than ${limitMs} ms.`,
        {},
        { retryAfterSeconds: 5 },
      );
    if (allowedMs - leftMs <= SLACK * limitMs) return;
    await transaction.rows(sql`select set_config('statement_timeout', ${String(leftMs)}, true)`);
    allowedMs = leftMs;
  };
  await allowRest();
  return {
    async rows<Row>(query: SQL) {
      await allowRest();
      return transaction.rows<Row>(query);
    },
    async attempt<Row>(query: SQL) {
      await allowRest();
      return transaction.attempt<Row>(query);
    },
  };
}

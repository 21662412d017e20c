/** The row of one payment and the sums it belongs to, whatever the scheme. */
import type { Context } from "ponder:registry";
import { payment, paymentBucket, tokenBucket } from "ponder:schema";
import { type Hex, maxUint256 } from "viem";
import { BUCKET_SECONDS, bucketStart } from "./buckets.ts";
import { addNetworkCounts, type LogEvent, recordBlock, timeOf } from "./counters.ts";

/** What tells one payment from another; the rest of its row follows from the event it was read at. */
export interface Payment {
  /** Of the log that stands for it, in the event's transaction. */
  readonly logIndex: number;
  readonly scheme: "exact" | "upto" | "batch-settlement";
  readonly method: "permit2" | "eip3009" | "channel";
  readonly token: Hex;
  readonly payer: Hex;
  readonly payee: Hex;
  /** Base units. */
  readonly amount: bigint;
  /** The cap the payer signed; null where it cannot be read. */
  readonly permittedAmount: bigint | null;
  readonly channelId: Hex | null;
  readonly source: "call" | "receipt" | "event";
}

/** Anyone can make a token that moves 2^256-1 units again and again; a sum of those must still fit its column. */
function add(sum: bigint, amount: bigint): bigint {
  const total = sum + amount;
  if (total > maxUint256) return maxUint256;
  return total;
}

/** Writes a payment, its block, and the hourly and daily sums of its payee, its token and the network. */
export async function recordPayment(context: Context, event: LogEvent, paid: Payment): Promise<void> {
  const chainId = context.chain.id;
  const paidAt = timeOf(event);
  const { payee, token, amount } = paid;
  await recordBlock(context, event);
  await context.db.insert(payment).values({
    ...paid,
    chainId,
    blockNumber: Number(event.block.number),
    facilitator: event.transaction.from,
    paidAt,
    txHash: event.transaction.hash,
  });
  for (const intervalSeconds of BUCKET_SECONDS) {
    const bucket = { chainId, intervalSeconds, startAt: bucketStart(paidAt, intervalSeconds) };
    await context.db
      .insert(paymentBucket)
      .values({ ...bucket, payee, token, payments: 1, amount })
      .onConflictDoUpdate((row) => ({ payments: row.payments + 1, amount: add(row.amount, amount) }));
    await context.db
      .insert(tokenBucket)
      .values({ ...bucket, token, payments: 1, amount })
      .onConflictDoUpdate((row) => ({ payments: row.payments + 1, amount: add(row.amount, amount) }));
  }
  await addNetworkCounts(context, paidAt, { payments: 1 });
}

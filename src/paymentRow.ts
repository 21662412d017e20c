/** The row of one payment and the sums it belongs to, whatever the scheme. */
import type { Context } from "ponder:registry";
import { payerDay, payment, paymentBucket, tokenBucket } from "ponder:schema";
import { type Hex, maxUint256 } from "viem";
import { bucketStart, DAY_SECONDS, HOUR_SECONDS } from "./buckets.ts";
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

/** Writes a payment, its block, and the sums it belongs to: of its payee, its token and the network by the hour, of its payer by the day. */
export async function recordPayment(context: Context, event: LogEvent, paid: Payment): Promise<void> {
  const chainId = context.chain.id;
  const paidAt = timeOf(event);
  const { payee, payer, token, amount } = paid;
  const facilitator = event.transaction.from;
  await recordBlock(context, event);
  await context.db.insert(payment).values({
    ...paid,
    chainId,
    blockNumber: Number(event.block.number),
    facilitator,
    paidAt,
    txHash: event.transaction.hash,
  });
  const hour = { chainId, startAt: bucketStart(paidAt, HOUR_SECONDS), token, payments: 1, amount };
  await context.db
    .insert(paymentBucket)
    .values({ ...hour, payee })
    .onConflictDoUpdate((row) => ({ payments: row.payments + 1, amount: add(row.amount, amount) }));
  await context.db
    .insert(tokenBucket)
    .values(hour)
    .onConflictDoUpdate((row) => ({ payments: row.payments + 1, amount: add(row.amount, amount) }));
  const selfFacilitatedAmount = facilitator.toLowerCase() === payer.toLowerCase() ? amount : 0n;
  await context.db
    .insert(payerDay)
    .values({ ...hour, startAt: bucketStart(paidAt, DAY_SECONDS), payee, payer, selfFacilitatedAmount })
    .onConflictDoUpdate((row) => ({
      payments: row.payments + 1,
      amount: add(row.amount, amount),
      selfFacilitatedAmount: add(row.selfFacilitatedAmount, selfFacilitatedAmount),
    }));
  await addNetworkCounts(context, paidAt, { payments: 1 });
}

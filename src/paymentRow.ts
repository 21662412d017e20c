/** The row of one payment and the sums it belongs to, whatever the scheme. */
import type { Context } from "ponder:registry";
import {
  payeePayer,
  payeeTotal,
  payerDay,
  payerTotal,
  payment,
  paymentBucket,
  tokenBucket,
} from "ponder:schema";
import { type Hex, maxUint256 } from "viem";
import { addNetworkCounts, type LogEvent, recordBlock, timeOf } from "./counters.ts";
import { bucketStart, DAY_SECONDS, HOUR_SECONDS } from "./decode/timeBuckets.ts";
import { dailyCapOf } from "./settings.ts";

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

/**
 * Writes a payment, its block, and the sums it belongs to: of its payee, its token and the network by the hour, of its payer
 * by the day, and what its payee was paid so far.
 */
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
  const gained = await addPayerDay(context, event, paid);
  const total = await addPayeeTotal(context, paid, gained);
  const soFar = {
    paymentsSoFar: total.payments,
    amountSoFar: total.amount,
    payersSoFar: total.payers,
    newPayersSoFar: total.newPayers,
    cappedSoFar: total.capped,
    cappedSquaresSoFar: total.cappedSquares,
  };
  const hour = { chainId, startAt: bucketStart(paidAt, HOUR_SECONDS), token, payments: 1, amount };
  await context.db
    .insert(paymentBucket)
    .values({ ...hour, payee, ...soFar })
    .onConflictDoUpdate((row) => ({
      payments: row.payments + 1,
      amount: add(row.amount, amount),
      ...soFar,
    }));
  await context.db
    .insert(tokenBucket)
    .values(hour)
    .onConflictDoUpdate((row) => ({ payments: row.payments + 1, amount: add(row.amount, amount) }));
  await addNetworkCounts(context, paidAt, { payments: 1 });
}

/** How a payment changes what is known of its payer's payments to its payee. */
interface Gained {
  readonly firstInToken: boolean;
  readonly firstInAnyToken: boolean;
  /** Of the payer's capped amount: see `payee_total`. */
  readonly cappedBefore: bigint;
  readonly cappedAfter: bigint;
}

async function addPayerDay(
  context: Context,
  event: LogEvent,
  { payee, payer, token, amount }: Payment,
): Promise<Gained> {
  const pair = { chainId: context.chain.id, payee, token, payer };
  const dayAt = bucketStart(timeOf(event), DAY_SECONDS);
  const cap = dailyCapOf(token);
  const self = event.transaction.from.toLowerCase() === payer.toLowerCase() ? amount : 0n;
  const known = await context.db.find(payerTotal, pair);
  const counted = known === null ? 0n : known.cappedBefore + atMost(known.dayAmount, cap);
  const sameDay = known !== null && known.dayAt === dayAt;
  const dayAmount = add(sameDay ? known.dayAmount : 0n, amount - self);
  const cappedBefore = sameDay ? known.cappedBefore : counted;
  const day = { dayAt, dayAmount, cappedBefore };
  await context.db
    .insert(payerTotal)
    .values({ ...pair, ...day })
    .onConflictDoUpdate(day);
  await context.db
    .insert(payerDay)
    .values({ ...pair, startAt: dayAt, payments: 1, amount, selfFacilitatedAmount: self, cappedBefore })
    .onConflictDoUpdate((row) => ({
      payments: row.payments + 1,
      amount: add(row.amount, amount),
      selfFacilitatedAmount: add(row.selfFacilitatedAmount, self),
    }));
  return {
    firstInToken: known === null,
    firstInAnyToken: known === null && (await isNewPair(context, payee, payer)),
    cappedBefore: counted,
    cappedAfter: cappedBefore + atMost(dayAmount, cap),
  };
}

async function isNewPair(context: Context, payee: Hex, payer: Hex): Promise<boolean> {
  const pair = { chainId: context.chain.id, payee, payer };
  const inserted = await context.db.insert(payeePayer).values(pair).onConflictDoNothing();
  return inserted !== null;
}

async function addPayeeTotal(
  context: Context,
  { payee, token, amount }: Payment,
  { firstInToken, firstInAnyToken, cappedBefore, cappedAfter }: Gained,
) {
  const payers = firstInToken ? 1 : 0;
  const newPayers = firstInAnyToken ? 1 : 0;
  const capped = cappedAfter - cappedBefore;
  const cappedSquares = cappedAfter ** 2n - cappedBefore ** 2n;
  return context.db
    .insert(payeeTotal)
    .values({
      ...{ chainId: context.chain.id, payee, token, payments: 1, amount },
      ...{ payers, newPayers, capped, cappedSquares },
    })
    .onConflictDoUpdate((row) => ({
      payments: row.payments + 1,
      amount: add(row.amount, amount),
      payers: row.payers + payers,
      newPayers: row.newPayers + newPayers,
      capped: row.capped + capped,
      cappedSquares: row.cappedSquares + cappedSquares,
    }));
}

/** @param cap - null for a token without one: nothing of it counts. */
const atMost = (amount: bigint, cap: bigint | null): bigint =>
  cap === null ? 0n : amount < cap ? amount : cap;

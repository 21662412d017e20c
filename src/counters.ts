/** What every handler writes besides its own rows: the block it stands in, oddities, network sums. */
import type { Context } from "ponder:registry";
import { anomaly, block, networkBucket } from "ponder:schema";
import type { Hex } from "viem";
import { bucketStart, HOUR_SECONDS } from "./decode/timeBuckets.ts";
import { isFirstOfBlock } from "./oncePerBlock.ts";

/** The part of Ponder's log events that handlers share. */
export interface LogEvent {
  readonly block: { readonly number: bigint; readonly hash: Hex; readonly timestamp: bigint };
  readonly log: { readonly logIndex: number };
  readonly transaction: {
    readonly hash: Hex;
    readonly from: Hex;
    readonly to: Hex | null;
    readonly input: Hex;
  };
}

/** Where an event stands: the primary key of its row, its time and its transaction. */
export const positionOf = (context: Context, event: LogEvent) => ({
  chainId: context.chain.id,
  blockNumber: Number(event.block.number),
  logIndex: event.log.logIndex,
});

export const timeOf = (event: Pick<LogEvent, "block">): number => Number(event.block.timestamp);

/** Notes the block an event stands in. */
export async function recordBlock(context: Context, event: LogEvent): Promise<void> {
  if (!isFirstOfBlock(`block ${context.chain.id}`, event)) return;
  await context.db
    .insert(block)
    .values({
      chainId: context.chain.id,
      number: Number(event.block.number),
      hash: event.block.hash,
      timestamp: timeOf(event),
    })
    .onConflictDoNothing();
}

/** Counts an odd but possible input that was survived. `kind` is a stable slug. */
export async function countAnomaly(context: Context, event: LogEvent, kind: string): Promise<void> {
  const last = { lastBlockNumber: Number(event.block.number), lastLogIndex: event.log.logIndex };
  await context.db
    .insert(anomaly)
    .values({ chainId: context.chain.id, kind, count: 1, ...last })
    .onConflictDoUpdate((row) => ({ count: row.count + 1, ...last }));
}

const noNetworkCounts = {
  registrations: 0,
  individualSettlements: 0,
  batchSettlements: 0,
  claimedLeaves: 0,
  legacySettlements: 0,
  onchainInferences: 0,
  payments: 0,
};

export type NetworkCounts = typeof noNetworkCounts;

/** Adds to the sums of the network's hour that holds `timestamp`. */
export async function addNetworkCounts(
  context: Context,
  timestamp: number,
  counts: Partial<NetworkCounts>,
): Promise<void> {
  const names = Object.keys(counts) as (keyof NetworkCounts)[]; // callers pass object literals
  const startAt = bucketStart(timestamp, HOUR_SECONDS);
  await context.db
    .insert(networkBucket)
    .values({ chainId: context.chain.id, startAt, ...noNetworkCounts, ...counts })
    .onConflictDoUpdate((row) => {
      const sums: Partial<NetworkCounts> = {};
      for (const name of names) sums[name] = row[name] + (counts[name] ?? 0);
      return sums as NetworkCounts; // the columns named; the others stay
    });
}

/** What every handler writes besides its own rows: the block it stands in, oddities, network sums. */
import type { Context } from "ponder:registry";
import { anomaly, block, networkBucket } from "ponder:schema";
import type { Hex } from "viem";
import { BUCKET_SECONDS, bucketStart } from "./buckets.ts";

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
export async function recordBlock(context: Context, event: Pick<LogEvent, "block">): Promise<void> {
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
  heartbeats: 0,
  registrations: 0,
  individualSettlements: 0,
  batchSettlements: 0,
  claimedLeaves: 0,
  legacySettlements: 0,
  onchainInferences: 0,
  payments: 0,
};

export type NetworkCounts = typeof noNetworkCounts;

/** Adds to the network's hourly and daily sums. */
export async function addNetworkCounts(
  context: Context,
  timestamp: number,
  counts: Partial<NetworkCounts>,
): Promise<void> {
  const starts = BUCKET_SECONDS.map((intervalSeconds) => ({
    intervalSeconds,
    startAt: bucketStart(timestamp, intervalSeconds),
  }));
  await addNetworkBuckets(context, starts, counts);
}

/** Adds the same counts to some of the network's buckets. */
export async function addNetworkBuckets(
  context: Context,
  buckets: readonly { readonly intervalSeconds: number; readonly startAt: number }[],
  counts: Partial<NetworkCounts>,
): Promise<void> {
  const chainId = context.chain.id;
  const [name, ...others] = Object.keys(counts) as (keyof NetworkCounts)[];
  if (name === undefined) return;
  const added = (row: NetworkCounts, column: keyof NetworkCounts) => row[column] + (counts[column] ?? 0);
  await context.db
    .insert(networkBucket)
    .values(buckets.map((bucket) => ({ chainId, ...bucket, ...noNetworkCounts, ...counts })))
    .onConflictDoUpdate((row) => {
      const sums: Partial<NetworkCounts> = { [name]: added(row, name) };
      for (const other of others) sums[other] = added(row, other);
      return sums;
    });
}

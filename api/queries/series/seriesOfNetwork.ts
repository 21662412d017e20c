/** Series of the whole network, but for what was paid. */
import { type SQL, sql } from "drizzle-orm";
import { networkHours } from "../metrics/networkHours.ts";
import { inRegistries } from "../nodes/nodeState.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf } from "../reading/page.ts";
import { clampedSum } from "../state/countedInferences.ts";
import { hourSums, hoursThen } from "../state/hoursThen.ts";
import type { Moment } from "../state/moment.ts";
import { hasVerifierResults, type ProofTables } from "../state/proofTables.ts";
import { spanBlocks } from "../state/spans.ts";
import { rangeOf, type SeriesGrid, spansOf } from "./seriesGrid.ts";
import { type InferenceSums, latencySamplesOf, type SeriesValues, sumInferences } from "./seriesOfNode.ts";

/** Columns of `network_bucket`. */
const COUNTED = {
  individualSettlements: "individual_settlements",
  batchSettlements: "batch_settlements",
  legacySettlements: "legacy_settlements",
  claimedLeaves: "claimed_leaves",
  onchainInferences: "onchain_inferences",
} as const;

export const NETWORK_METRICS = [
  "heartbeats",
  "activeNodes",
  "uptime",
  "registrations",
  "individualSettlements",
  "settlementLatencyP50Seconds",
  "settlementLatencyP95Seconds",
  "batchSettlements",
  "legacySettlements",
  "claimedLeaves",
  "onchainInferences",
  "inferences",
  "promptTokens",
  "completionTokens",
] as const;
export type NetworkMetric = (typeof NETWORK_METRICS)[number];

/** @param registries - of heartbeats, active nodes, uptime and registrations; the rest is the whole network's. Null means every one. */
export function readNetworkSeries(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  registries: readonly string[] | null,
  metric: NetworkMetric,
  grid: SeriesGrid,
): Promise<SeriesValues> | SeriesValues {
  switch (metric) {
    case "heartbeats":
      return readHeartbeats(transaction, moment, registries, grid);
    case "activeNodes":
      return readActiveNodes(transaction, moment, registries, grid);
    case "uptime":
      return readUptime(transaction, moment, registries, grid);
    case "settlementLatencyP50Seconds":
    case "settlementLatencyP95Seconds":
      return readLatency(transaction, moment, metric, grid);
    case "registrations":
      return readRegistrations(transaction, moment, registries, grid);
    case "inferences":
    case "promptTokens":
    case "completionTokens":
      return hasVerifierResults(proofs)
        ? readInferences(transaction, proofs, moment, metric, grid)
        : grid.buckets.map(() => null);
    default:
      return readCounted(transaction, moment, COUNTED[metric], grid);
  }
}

const byBucket = (grid: SeriesGrid, rows: readonly { startAt: number; value: number }[]): SeriesValues => {
  const values = new Map(rows.map(({ startAt, value }) => [startAt, value]));
  return grid.buckets.map(({ startAt }) => values.get(startAt) ?? 0);
};

/** The start of the bucket that holds a second. */
const bucketOf = (grid: SeriesGrid, column: SQL): SQL =>
  sql`(${column} - ${column} % ${grid.widthSeconds}::bigint)`;

async function readCounted(
  transaction: ReadTransaction,
  moment: Moment,
  column: string,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const { from, to } = rangeOf(grid);
  return byBucket(
    grid,
    await transaction.rows(sql`
      select ${bucketOf(grid, sql`start_at`)} as "startAt", sum(${sql.identifier(column)})::bigint as value
      from ${networkHours(moment)} hour where start_at >= ${from} and start_at < ${to}
      group by 1 order by 1`),
  );
}

async function readRegistrations(
  transaction: ReadTransaction,
  { chainId, blockNumber }: Moment,
  registries: readonly string[] | null,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const { from, to } = rangeOf(grid);
  const scope = allOf([sql`n.chain_id = ${chainId}`, ...inRegistries(registries)]);
  return byBucket(
    grid,
    await transaction.rows(sql`
      select ${bucketOf(grid, sql`n.timestamp`)} as "startAt", count(*) as value
      from og.registry_event n
      where ${scope} and n.kind = 'registered' and n.block_number <= ${blockNumber}
        and n.timestamp >= ${from} and n.timestamp < ${to}
      group by 1 order by 1`),
  );
}

/**
 * A day is the difference of two rows that carry their node's total so far. In an hour a node sends so few that they are
 * counted one by one as fast.
 */
async function readHeartbeats(
  transaction: ReadTransaction,
  moment: Moment,
  registries: readonly string[] | null,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  if (grid.buckets.length === 0) return [];
  const scope = allOf([sql`n.chain_id = ${moment.chainId}`, ...inRegistries(registries)]);
  const read = grid.interval === "day" ? heartbeatsByTotals : heartbeatsByCount;
  const rows = await transaction.rows<{ index: number; value: number }>(sql`
    with ${spanBlocks("og", moment, spansOf(grid))}, ${read(scope)}
    select index, value from beats where value is not null order by index`);
  const values = grid.buckets.map(() => 0);
  for (const { index, value } of rows) values[index - 1] = value;
  return values;
}

/** `beats (index, value)`, from 1. */
const heartbeatsByTotals = (scope: SQL): SQL => sql`
  total as materialized (
    select edge.block, sum(newest.heartbeats_so_far)::bigint as heartbeats
    -- where one bucket ends the next begins
    from (select after_block as block from span union select until_block from span) edge
    cross join og.node n cross join lateral (
      select h.heartbeats_so_far from og.heartbeat h
      where h.tee_id = n.tee_id and h.registry = n.registry and h.block_number <= edge.block
      order by h.block_number desc, h.log_index desc limit 1
    ) newest where ${scope} group by 1
  ), beats as (
    select row_number() over (order by span.name::bigint) as index, closing.heartbeats - coalesce(opening.heartbeats, 0) as value
    from span
    left join total closing on closing.block = span.until_block
    left join total opening on opening.block = span.after_block
  )`;

/**
 * Counted from the index alone, node by node: a table of millions of wide rows need not be read. So no condition may name a
 * column that `nodeIdx` has not; the chain's id is the node's.
 */
const heartbeatsByCount = (scope: SQL): SQL => sql`
  edge as materialized (
    select array_agg(after_block + 1 order by name::bigint) as blocks, max(until_block) as last from span
  ), beats as (
    select counted.index, sum(counted.value)::bigint as value
    from edge cross join og.node n cross join lateral (
      select width_bucket(h.block_number, edge.blocks) as index, count(*) as value
      from og.heartbeat h
      where h.tee_id = n.tee_id and h.registry = n.registry
        and h.block_number >= edge.blocks[1] and h.block_number <= edge.last
      group by 1
    ) counted
    where ${scope} group by 1
  )`;

/** Nodes that the contract called active in a bucket's last second, or now where it still runs. */
async function readActiveNodes(
  transaction: ReadTransaction,
  { chainId, time }: Moment,
  registries: readonly string[] | null,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  if (grid.buckets.length === 0) return [];
  const seconds = grid.buckets.map(({ endAt }) => Math.min(time, endAt - 1));
  const [first, last] = [seconds[0] ?? 0, seconds.at(-1) ?? 0];
  const scope = allOf([sql`n.chain_id = ${chainId}`, ...inRegistries(registries)]);
  // Spells follow each other: the newest that began by the first second is the only one that may hold it.
  const rows = await transaction.rows<{ index: number; change: number }>(sql`
    with spell as (
      select n.from_at, n.until_at from og.active_interval n
      where ${scope} and n.from_at > ${first} and n.from_at <= ${last}
      union all
      select i.from_at, i.until_at from og.node n cross join lateral (
        select from_at, until_at from og.active_interval i
        where i.chain_id = n.chain_id and i.registry = n.registry and i.tee_id = n.tee_id and i.from_at <= ${first}
        order by i.ordinal desc limit 1
      ) i where ${scope} and i.until_at > ${first}
      union all
      select n.active_from, n.active_until from og.node_liveness n
      where ${scope} and n.active_from <= ${last} and n.active_until > ${first}
    ), change (at, change) as (
      select from_at, 1 from spell union all select until_at, -1 from spell
    )
    select width_bucket(change.at - 1, ${sql.param(seconds)}::bigint[]) as index, sum(change)::bigint as change
    from change group by 1 order by 1`);
  const changes = new Map(rows.map(({ index, change }) => [index, change]));
  let active = 0;
  return grid.buckets.map((_, index) => {
    active += changes.get(index) ?? 0;
    return active;
  });
}

/**
 * Of all nodes together: seconds during which the contract called one active, over seconds during which one was registered.
 * A bucket needs no more than how many there were at its beginning and the changes in it.
 */
async function readUptime(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  registries: readonly string[] | null,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  if (grid.buckets.length === 0) return [];
  const { from, to } = rangeOf(grid);
  const edges = sql.param(grid.buckets.map(({ startAt }) => startAt));
  const scope = allOf([sql`n.chain_id = ${chainId}`, ...inRegistries(registries)]);
  /** Changes before the first bucket stand at its beginning. */
  const summed = (changes: SQL) => sql`
    select width_bucket(greatest(at, ${from}::bigint), ${edges}::bigint[]) as index, sum(change)::bigint as change,
      sum(change * greatest(at, ${from}::bigint))::bigint as weighted
    from (${changes}) change (at, change) where at < ${Math.min(time, to)} group by 1 order by 1`;
  const active = await transaction.rows<SummedChanges>(
    summed(sql`
      select spell.at, spell.change from (
        select n.from_at, n.until_at from og.active_interval n where ${scope}
        union all
        select n.active_from, n.active_until from og.node_liveness n where ${scope} and n.active_from is not null
      ) n (from_at, until_at) cross join lateral (values (n.from_at, 1), (n.until_at, -1)) spell (at, change)
      where n.until_at > ${from}`),
  );
  const registered = await transaction.rows<SummedChanges>(
    summed(sql`
      select n.timestamp, case n.kind when 'registered' then 1 else -1 end from og.registry_event n
      where ${scope} and n.kind in ('registered', 'removed') and n.block_number <= ${blockNumber}`),
  );
  const [activeSeconds, existing] = [active, registered].map((changes) => integrate(changes, grid, time));
  return grid.buckets.map((_, index) => {
    const seconds = existing?.[index] ?? 0;
    return seconds > 0 ? Math.round((1e6 * (activeSeconds?.[index] ?? 0)) / seconds) / 1e6 : null;
  });
}

/** What changed in a bucket, and the same weighed by when. */
interface SummedChanges {
  /** From 1. */
  readonly index: number;
  readonly change: number;
  readonly weighted: number;
}

/** How many there were, summed over the seconds of each bucket that have passed. */
function integrate(
  changes: readonly SummedChanges[],
  { buckets }: SeriesGrid,
  now: number,
): readonly number[] {
  const byIndex = new Map(changes.map((summed) => [summed.index - 1, summed]));
  let before = 0;
  return buckets.map(({ startAt, endAt }, index) => {
    const { change = 0, weighted = 0 } = byIndex.get(index) ?? {};
    const end = Math.max(startAt, Math.min(endAt, now));
    const sum = before * (end - startAt) + change * end - weighted;
    before += change;
    return sum;
  });
}

/** Of the newest individual settlements of each bucket, so many that a series is read at a bounded cost. */
async function readLatency(
  transaction: ReadTransaction,
  moment: Moment,
  metric: "settlementLatencyP50Seconds" | "settlementLatencyP95Seconds",
  grid: SeriesGrid,
): Promise<SeriesValues> {
  if (grid.buckets.length === 0) return [];
  const rows = await transaction.rows<{ name: string; seconds: number }>(sql`
    with ${spanBlocks("og", moment, spansOf(grid))}
    select span.name, percentile_disc(${metric === "settlementLatencyP50Seconds" ? 0.5 : 0.95})
      within group (order by sample.seconds) as seconds
    from span cross join lateral (
      select s.settled_at - least(s.signed_at, ${Number.MAX_SAFE_INTEGER})::bigint as seconds from og.settlement s
      where s.kind = 'individual' and s.chain_id = ${moment.chainId}
        and s.block_number > span.after_block and s.block_number <= span.until_block
      order by s.block_number desc, s.log_index desc limit ${latencySamplesOf(grid)}
    ) sample
    group by span.name order by span.name`);
  const found = new Map(rows.map(({ name, seconds }) => [name, seconds]));
  return grid.buckets.map(({ startAt }) => found.get(String(startAt)) ?? null);
}

async function readInferences(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  metric: "inferences" | "promptTokens" | "completionTokens",
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const { from, to } = rangeOf(grid);
  const rows = await transaction.rows<InferenceSums>(sql`
    with ${hoursThen(proofs, moment, "tee_id")}
    select b.start_at as "startAt", sum(b.inferences)::bigint as inferences,
      ${clampedSum(sql`b.prompt_tokens`)} as "promptTokens", ${clampedSum(sql`b.completion_tokens`)} as "completionTokens"
    from ${hourSums(proofs, moment, "tee_id")} b where b.start_at >= ${from} and b.start_at < ${to}
    group by 1 order by 1`);
  return sumInferences(rows, metric, grid);
}

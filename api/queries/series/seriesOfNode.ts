/** Series of one node, but for what it was paid. */
import { sql } from "drizzle-orm";
import { readNodeEvidence } from "../evidence/evidenceNodes.ts";
import { missedHeartbeats } from "../metrics/missedHeartbeats.ts";
import { readHeartbeatTotals, readSettlementTotals } from "../metrics/runningTotals.ts";
import { LATENCY_SAMPLES, readSettlementLatencies } from "../metrics/settlementLatency.ts";
import type { Node } from "../nodes/nodes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { hourSums, hoursThen } from "../state/hoursThen.ts";
import type { Moment } from "../state/moment.ts";
import { hasVerifierResults, type ProofTables } from "../state/proofTables.ts";
import { indexOf, rangeOf, type SeriesGrid, spansOf } from "./seriesGrid.ts";

export const NODE_METRICS = [
  "uptime",
  "heartbeats",
  "repeatedHeartbeats",
  "missedHeartbeats",
  "heartbeatLatenessMeanSeconds",
  "settlements",
  "settlementLatencyP50Seconds",
  "settlementLatencyP95Seconds",
  "inferences",
  "promptTokens",
  "completionTokens",
] as const;
export type NodeMetric = (typeof NODE_METRICS)[number];

/** One value per bucket; null where unknown. */
export type SeriesValues = readonly (number | null)[];

/** Settlements read for the percentiles of one series, and of one bucket at least. */
const LATENCY_BUDGET = 100_000;
const MIN_LATENCY_SAMPLES = 100;

/** Up to so many settlements of a bucket its percentiles are exact. */
export const latencySamplesOf = ({ buckets }: SeriesGrid): number =>
  Math.min(
    LATENCY_SAMPLES,
    Math.max(MIN_LATENCY_SAMPLES, Math.floor(LATENCY_BUDGET / Math.max(1, buckets.length))),
  );

type Subject = Pick<Node, "registry" | "teeId" | "registeredAt" | "status">;

/** Null in buckets that end before the node's registration. */
export async function readNodeSeries(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  node: Subject,
  metric: NodeMetric,
  grid: SeriesGrid,
  settlementRegistry: string,
): Promise<SeriesValues> {
  const values = await readValues(transaction, proofs, moment, node, metric, grid, settlementRegistry);
  return grid.buckets.map(({ endAt }, index) =>
    endAt <= node.registeredAt ? null : (values[index] ?? null),
  );
}

function readValues(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  node: Subject,
  metric: NodeMetric,
  grid: SeriesGrid,
  settlementRegistry: string,
): Promise<SeriesValues> | SeriesValues {
  const unknown = () => grid.buckets.map(() => null);
  switch (metric) {
    case "uptime":
      return readUptime(transaction, moment, node, grid);
    case "missedHeartbeats":
      return readMissed(transaction, moment, node, grid);
    case "heartbeats":
    case "repeatedHeartbeats":
    case "heartbeatLatenessMeanSeconds":
      return readHeartbeats(transaction, moment, node, metric, grid);
    default:
      // Settlements and inferences name a node and no registry: they belong to one.
      if (node.registry !== settlementRegistry) return unknown();
  }
  switch (metric) {
    case "settlements":
      return readSettlements(transaction, moment, node, grid);
    case "settlementLatencyP50Seconds":
    case "settlementLatencyP95Seconds":
      return readLatency(transaction, moment, node, metric, grid);
    default:
      return hasVerifierResults(proofs)
        ? readInferences(transaction, proofs, moment, node, metric, grid)
        : unknown();
  }
}

const wantedNode = ({ chainId }: Moment, { registry, teeId }: Subject) => sql`
  wanted (chain_id, registry, tee_id, place) as (values (${chainId}::int, ${registry}, ${teeId}, 0))`;

async function readHeartbeats(
  transaction: ReadTransaction,
  moment: Moment,
  node: Subject,
  metric: "heartbeats" | "repeatedHeartbeats" | "heartbeatLatenessMeanSeconds",
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const totals = await readHeartbeatTotals(transaction, moment, wantedNode(moment, node), spansOf(grid));
  return grid.buckets.map(({ startAt }) => {
    const total = totals.get(`0 ${startAt}`);
    if (total === undefined) return null;
    if (metric === "heartbeats") return total.heartbeats;
    if (metric === "repeatedHeartbeats") return total.repeated;
    return total.heartbeats === 0 ? null : round(total.latenessSeconds / total.heartbeats, 3);
  });
}

async function readMissed(
  transaction: ReadTransaction,
  moment: Moment,
  { registry, teeId }: Subject,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const scope = { registry, gapsEndingAfter: rangeOf(grid).from };
  const [evidence] = await readNodeEvidence(transaction, moment, scope, [teeId]);
  if (evidence === undefined || evidence.lastMaxAgeSeconds === null) return [];
  const ranges = grid.buckets.map(({ startAt, endAt }) => ({ from: startAt, to: endAt }));
  return missedHeartbeats(evidence, moment.time, ranges);
}

async function readSettlements(
  transaction: ReadTransaction,
  moment: Moment,
  node: Subject,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const totals = await readSettlementTotals(transaction, moment, wantedNode(moment, node), spansOf(grid));
  return grid.buckets.map(({ startAt }) => totals.get(`0 ${startAt}`)?.settlements ?? null);
}

async function readLatency(
  transaction: ReadTransaction,
  moment: Moment,
  node: Subject,
  metric: "settlementLatencyP50Seconds" | "settlementLatencyP95Seconds",
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const wanted = wantedNode(moment, node);
  const samples = latencySamplesOf(grid);
  const found = await readSettlementLatencies(transaction, moment, wanted, spansOf(grid), samples);
  const which = metric === "settlementLatencyP50Seconds" ? "p50Seconds" : "p95Seconds";
  return grid.buckets.map(({ startAt }) => found.get(`0 ${startAt}`)?.[which] ?? null);
}

/** Active seconds over the seconds during which the node existed; null without one. */
async function readUptime(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  { registry, teeId, registeredAt, status }: Subject,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const { from, to } = rangeOf(grid);
  const [removal] =
    status === "removed"
      ? await transaction.rows<{ at: number }>(sql`
          select timestamp as at from og.registry_event
          where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and kind = 'removed'
            and block_number <= ${blockNumber}
          order by block_number desc, log_index desc limit 1`)
      : [];
  const spells = await transaction.rows<{ fromAt: number; untilAt: number }>(sql`
    select from_at as "fromAt", until_at as "untilAt" from og.active_interval
    where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and until_at > ${from} and from_at < ${to}
    union all
    select active_from, active_until from og.node_liveness
    where chain_id = ${chainId} and registry = ${registry} and tee_id = ${teeId} and active_until > ${from}
      and active_from < ${to}
    order by 1`);
  const endedAt = Math.min(time, removal?.at ?? time);
  const active = grid.buckets.map(() => 0);
  for (const { fromAt, untilAt } of spells) {
    const begun = Math.max(fromAt, registeredAt, from);
    const ended = Math.min(untilAt, endedAt, to);
    for (let index = indexOf(grid, begun); index < active.length; index++) {
      const bucket = grid.buckets[index];
      if (bucket === undefined || bucket.startAt >= ended) break;
      const seconds = Math.min(ended, bucket.endAt) - Math.max(begun, bucket.startAt);
      active[index] = (active[index] ?? 0) + Math.max(0, seconds);
    }
  }
  return grid.buckets.map(({ startAt, endAt }, index) => {
    const seconds = Math.min(endAt, endedAt) - Math.max(startAt, registeredAt);
    return seconds > 0 ? round((active[index] ?? 0) / seconds, 6) : null;
  });
}

/** Of what was settled by the moment, by the second of signing, with today's verdicts; tokens are what payloads claim. */
async function readInferences(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  { teeId }: Subject,
  metric: "inferences" | "promptTokens" | "completionTokens",
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const { from, to } = rangeOf(grid);
  const rows = await transaction.rows<InferenceSums>(sql`
    with ${hoursThen(proofs, moment, "tee_id")}
    select b.start_at as "startAt", b.inferences, b.prompt_tokens as "promptTokens",
      b.completion_tokens as "completionTokens"
    from ${hourSums(proofs, moment, "tee_id")} b where b.tee_id = ${teeId} and b.start_at >= ${from} and b.start_at < ${to}
    order by b.start_at`);
  return sumInferences(rows, metric, grid);
}

/** Sums of an hour, or of several nodes' one. */
export interface InferenceSums {
  readonly startAt: number;
  readonly inferences: number;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

/** Tokens are null where there were inferences and no payload tells. */
export function sumInferences(
  hours: readonly InferenceSums[],
  metric: "inferences" | "promptTokens" | "completionTokens",
  grid: SeriesGrid,
): SeriesValues {
  const inferences = grid.buckets.map(() => 0);
  const tokens: (number | null)[] = grid.buckets.map(() => null);
  for (const hour of hours) {
    const index = indexOf(grid, hour.startAt);
    inferences[index] = (inferences[index] ?? 0) + hour.inferences;
    const told = metric === "inferences" ? null : hour[metric];
    // Each payload may claim up to 2^53-1.
    if (told !== null) tokens[index] = Math.min(Number.MAX_SAFE_INTEGER, (tokens[index] ?? 0) + told);
  }
  if (metric === "inferences") return inferences;
  return grid.buckets.map((_, index) => (inferences[index] === 0 ? 0 : (tokens[index] ?? null)));
}

const round = (value: number, decimals: number): number =>
  Math.round(value * 10 ** decimals) / 10 ** decimals;

/** Series of a node or the network: one item per bucket, in order of time. */
import { sql } from "drizzle-orm";
import type { Node } from "../nodes/nodes.ts";
import type { OperatorScope } from "../operators/operators.ts";
import { ownAddresses } from "../payments/attribution.ts";
import { readOwnPayee } from "../payments/nodeRevenue.ts";
import type { DailyOrganicCaps, Volume } from "../payments/volumes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Sources } from "../state/answerState.ts";
import type { Moment, TimeRange } from "../state/moment.ts";
import type { ProofTables } from "../state/proofTables.ts";
import { readKnownSince, type SeriesGrid, type SeriesInterval, seriesGrid } from "./seriesGrid.ts";
import {
  DEMAND_METRICS,
  type Demand,
  type DemandMetric,
  type OrganicRules,
  readPayerSeries,
  readPaymentSeries,
  readVolumeSeries,
  type SeriesVolumes,
} from "./seriesOfDemand.ts";
import { NETWORK_METRICS, type NetworkMetric, readNetworkSeries } from "./seriesOfNetwork.ts";
import { NODE_METRICS, type NodeMetric, readNodeSeries, type SeriesValues } from "./seriesOfNode.ts";

export const NODE_SERIES = [...NODE_METRICS, ...DEMAND_METRICS, "revenue"] as const;
export const NETWORK_SERIES = [...NETWORK_METRICS, ...DEMAND_METRICS, "volume"] as const;

export interface SeriesItem {
  /** Unix seconds: a full hour, or a midnight in UTC. */
  readonly startAt: number;
  /** False while the bucket still runs: it holds what is indexed so far. */
  readonly complete: boolean;
  /** Null where unknown, and in series of volumes. */
  readonly value: number | null;
  /** Of series of volumes, in order of the token; null where unknown, and in other series. */
  readonly tokens: readonly Volume[] | null;
}

export interface SeriesQuery extends TimeRange {
  readonly interval: SeriesInterval;
}

/** Whether a metric is read from Base: then its buckets end where Base does. */
export const isPaid = (metric: string): metric is DemandMetric | "revenue" | "volume" =>
  metric === "payments" || metric === "payers" || metric === "revenue" || metric === "volume";

/** What a series of a node is made from. */
export const nodeSeriesSources = (metric: (typeof NODE_SERIES)[number]): Sources =>
  isPaid(metric) ? { required: ["og", "base"] } : { required: ["og"], proofs: "read" };

/** What a series of the network is made from: of payments, only what is organic asks OpenGradient. */
export function networkSeriesSources(metric: (typeof NETWORK_SERIES)[number]): Sources {
  if (!isPaid(metric)) return { required: ["og"], proofs: "read" };
  return metric === "volume" ? { required: ["base"], optional: ["og"] } : { required: ["base"] };
}

/** A metric of a node that OpenGradient and the verifier tell. */
export async function listNodeSeries(
  transaction: ReadTransaction,
  proofs: ProofTables,
  og: Moment,
  node: Node,
  metric: NodeMetric,
  { interval, ...range }: SeriesQuery,
  settlementRegistry: string,
): Promise<readonly SeriesItem[]> {
  const grid = seriesGrid(interval, range, og.time);
  if (grid.buckets.length === 0) return [];
  return ofValues(
    grid,
    await readNodeSeries(transaction, proofs, og, node, metric, grid, settlementRegistry),
  );
}

/** What a node was paid: null when another node ever named its payment address. */
export async function listNodePaymentSeries(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  node: Node,
  metric: DemandMetric | "revenue",
  { interval, ...range }: SeriesQuery,
  caps: DailyOrganicCaps,
): Promise<readonly SeriesItem[]> {
  const grid = seriesGrid(interval, range, base.time);
  if (grid.buckets.length === 0) return [];
  const payee = await readOwnPayee(transaction, og, node);
  if (payee === null) return ofValues(grid, []);
  const own = sql`own_address (payment_address, owner) as (values (${payee}, ${payee}))`;
  return readDemand(transaction, { base, payee }, { og, caps, ownAddresses: own }, metric, grid);
}

/** A metric of the network that OpenGradient and the verifier tell. */
export async function listNetworkSeries(
  transaction: ReadTransaction,
  proofs: ProofTables,
  og: Moment,
  registries: readonly string[] | null,
  metric: NetworkMetric,
  { interval, ...range }: SeriesQuery,
): Promise<readonly SeriesItem[]> {
  const grid = seriesGrid(interval, range, og.time);
  if (grid.buckets.length === 0) return [];
  const values = await readNetworkSeries(transaction, proofs, og, registries, metric, grid);
  return sinceKnown(ofValues(grid, values), grid, await readKnownSince(transaction, "og", og));
}

/** What was paid to anyone. @param og - null while it cannot be answered from: nothing is known to be organic then. */
export async function listNetworkPaymentSeries(
  transaction: ReadTransaction,
  og: Moment | null,
  base: Moment,
  metric: DemandMetric | "volume",
  { interval, ...range }: SeriesQuery,
  scope: OperatorScope,
): Promise<readonly SeriesItem[]> {
  const grid = seriesGrid(interval, range, base.time);
  if (grid.buckets.length === 0) return [];
  const rules = og === null ? null : { og, caps: scope.dailyOrganicCaps, ownAddresses: ownAddresses(scope) };
  return readDemand(transaction, { base, payee: null }, rules, metric, grid);
}

async function readDemand(
  transaction: ReadTransaction,
  demand: Demand,
  rules: OrganicRules | null,
  metric: DemandMetric | "revenue" | "volume",
  grid: SeriesGrid,
): Promise<readonly SeriesItem[]> {
  const items =
    metric === "payments"
      ? ofValues(grid, await readPaymentSeries(transaction, demand, grid))
      : metric === "payers"
        ? ofValues(grid, await readPayerSeries(transaction, demand, grid))
        : ofVolumes(grid, await readVolumeSeries(transaction, demand, rules, grid));
  return sinceKnown(items, grid, await readKnownSince(transaction, "base", demand.base));
}

const ofValues = ({ buckets }: SeriesGrid, values: SeriesValues): readonly SeriesItem[] =>
  buckets.map(({ startAt, complete }, index) => ({
    startAt,
    complete,
    value: values[index] ?? null,
    tokens: null,
  }));

const ofVolumes = ({ buckets }: SeriesGrid, volumes: SeriesVolumes): readonly SeriesItem[] =>
  buckets.map(({ startAt, complete }, index) => ({
    startAt,
    complete,
    value: null,
    tokens: volumes[index] ?? null,
  }));

/** Nothing is known of buckets that ended before the chain's first indexed event. */
const sinceKnown = (
  items: readonly SeriesItem[],
  { buckets }: SeriesGrid,
  knownSince: number,
): readonly SeriesItem[] =>
  items.map((item, index) =>
    (buckets[index]?.endAt ?? 0) <= knownSince ? { ...item, value: null, tokens: null } : item,
  );

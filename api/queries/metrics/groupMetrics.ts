/** Metrics of several nodes together: an operator's, or the network's. */
import { sql } from "drizzle-orm";
import {
  inRegistries,
  joinObservations,
  joinRegistration,
  REGISTRATIONS,
  recordColumn,
} from "../nodes/nodeState.ts";
import type { NodeKey } from "../nodes/nodes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf } from "../reading/page.ts";
import type { Moment } from "../state/moment.ts";
import { spanUpTo } from "../state/spans.ts";
import {
  type MetricsSources,
  NODE_WINDOWS,
  type NodeMetrics,
  type NodeWindow,
  readNodeMetrics,
} from "./nodeMetrics.ts";
import { AVAILABILITY_SAMPLES, readPayloadAvailability } from "./nodeProofs.ts";
import { LATENCY_SAMPLES, readSettlementLatencies } from "./settlementLatency.ts";

/** The metrics that are known of several nodes together. */
export const GROUP_METRICS = {
  uptime: true,
  heartbeats: true,
  repeatedHeartbeats: true,
  missedHeartbeats: true,
  heartbeatLatenessMeanSeconds: true,
  inferences: true,
  promptTokens: true,
  completionTokens: true,
  settlements: true,
  settlementLatencyP50Seconds: true,
  settlementLatencyP95Seconds: true,
  proofAvailability: true,
} as const satisfies { readonly [Name in keyof NodeMetrics]?: true };

/**
 * What several nodes' metrics come to; null where unknown for all of them. `uptime` is the mean over the nodes that existed in
 * the window.
 */
export type GroupMetrics = Pick<NodeMetrics, keyof typeof GROUP_METRICS>;

/** Of more nodes nothing is read for one answer. */
export const MAX_GROUPED_NODES = 1_000;

/** Settlements looked at for one window's latencies, and for what payloads were to be had, of all nodes together. */
const LATENCY_BUDGET = 20_000;
const AVAILABILITY_BUDGET = 5_000;

/** The more nodes there are the fewer settlements of each stand for it: an answer costs the same. */
const samplesOfEach = (budget: number, nodes: number, most: number): number =>
  Math.min(most, Math.ceil(budget / nodes));

/** Which nodes: an owner's, or all. */
export interface GroupScope {
  /** Null means every registry. */
  readonly registries: readonly string[] | null;
  readonly owner: string | null;
}

/** @returns null when there are more than `MAX_GROUPED_NODES`. */
export async function readGroupMetrics(
  transaction: ReadTransaction,
  moment: Moment,
  { proofs, settlementRegistry }: Pick<MetricsSources, "proofs" | "settlementRegistry">,
  scope: GroupScope,
  windows: readonly NodeWindow[],
): Promise<Readonly<Partial<Record<NodeWindow, GroupMetrics>>> | null> {
  const keys = await readKeys(transaction, moment, scope);
  if (keys.length > MAX_GROUPED_NODES) return null;
  const sources: MetricsSources = { proofs, settlementRegistry, base: null, dailyOrganicCaps: [] };
  const nodes = await readNodeMetrics(transaction, moment, sources, keys, windows, "only-sums");
  const settling = keys.filter(({ registry }) => registry === settlementRegistry);
  const together = await readTogether(transaction, moment, proofs, settling, windows);
  return Object.fromEntries(
    windows.map((window) => {
      const of = nodes.map((metrics) => metrics[window]).filter((metrics) => metrics !== undefined);
      return [window, { ...sumUp(of), ...together(window) }];
    }),
  );
}

/** One more than may be, so that it shows. */
function readKeys(
  transaction: ReadTransaction,
  moment: Moment,
  { registries, owner }: GroupScope,
): Promise<readonly NodeKey[]> {
  const owned = owner === null ? [] : [sql`${recordColumn("owner")} = ${owner}`];
  return transaction.rows<NodeKey>(sql`
    select n.registry, n.tee_id as "teeId"
    from ${REGISTRATIONS} n ${joinRegistration(moment)} ${joinObservations(moment)}
    where ${allOf([sql`n.chain_id = ${moment.chainId}`, ...inRegistries(registries), ...owned])}
    order by n.registry, n.tee_id limit ${MAX_GROUPED_NODES + 1}`);
}

type Together = Pick<
  GroupMetrics,
  "settlementLatencyP50Seconds" | "settlementLatencyP95Seconds" | "proofAvailability"
>;

/** What cannot be told from the nodes' own figures. */
async function readTogether(
  transaction: ReadTransaction,
  moment: Moment,
  proofs: MetricsSources["proofs"],
  keys: readonly NodeKey[],
  windows: readonly NodeWindow[],
): Promise<(window: NodeWindow) => Together> {
  if (keys.length === 0)
    return () => ({
      settlementLatencyP50Seconds: null,
      settlementLatencyP95Seconds: null,
      proofAvailability: null,
    });
  const wanted = sql`wanted (chain_id, registry, tee_id, place) as (values ${sql.join(
    keys.map(({ registry, teeId }) => sql`(${moment.chainId}::int, ${registry}, ${teeId}, 0)`),
    sql`, `,
  )})`;
  const spans = windows.map((name) => spanUpTo(moment, name, NODE_WINDOWS[name]));
  const bounds = windows.map((name) => ({ name, seconds: NODE_WINDOWS[name] }));
  const latencies = await readSettlementLatencies(
    transaction,
    moment,
    wanted,
    spans,
    samplesOfEach(LATENCY_BUDGET, keys.length, LATENCY_SAMPLES),
  );
  const availability = await readPayloadAvailability(
    transaction,
    proofs,
    moment,
    wanted,
    bounds,
    samplesOfEach(AVAILABILITY_BUDGET, keys.length, AVAILABILITY_SAMPLES),
  );
  return (window) => {
    const latency = latencies.get(`0 ${window}`);
    return {
      settlementLatencyP50Seconds: latency?.p50Seconds ?? null,
      settlementLatencyP95Seconds: latency?.p95Seconds ?? null,
      proofAvailability: availability.get(`0 ${window}`) ?? null,
    };
  };
}

function sumUp(nodes: readonly NodeMetrics[]): Omit<GroupMetrics, keyof Together> {
  const known = (name: keyof NodeMetrics) =>
    nodes.map((node) => node[name]).filter((value) => typeof value === "number");
  const sum = (name: keyof NodeMetrics): number | null => {
    const values = known(name);
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
  };
  const uptimes = known("uptime");
  const heartbeats = sum("heartbeats");
  const lateness = nodes.reduce(
    (total, node) => total + (node.heartbeatLatenessMeanSeconds ?? 0) * (node.heartbeats ?? 0),
    0,
  );
  const inferences = sum("inferences");
  // Nodes without inferences know of zero tokens; they say nothing of the others'.
  const tokens = (name: "promptTokens" | "completionTokens"): number | null => {
    const told = nodes.filter((node) => node.inferences !== 0).flatMap((node) => node[name] ?? []);
    if (told.length > 0)
      return Math.min(
        Number.MAX_SAFE_INTEGER,
        told.reduce((total, value) => total + value, 0),
      );
    return inferences === 0 ? 0 : null;
  };
  return {
    uptime:
      uptimes.length === 0
        ? null
        : rounded(uptimes.reduce((total, value) => total + value, 0) / uptimes.length, 6),
    heartbeats,
    repeatedHeartbeats: sum("repeatedHeartbeats"),
    missedHeartbeats: sum("missedHeartbeats"),
    heartbeatLatenessMeanSeconds:
      heartbeats === null || heartbeats === 0 ? null : rounded(lateness / heartbeats, 3),
    inferences,
    promptTokens: tokens("promptTokens"),
    completionTokens: tokens("completionTokens"),
    settlements: sum("settlements"),
  };
}

const rounded = (value: number, decimals: number): number =>
  Math.round(value * 10 ** decimals) / 10 ** decimals;

/** What is known of nodes over the windows that end at a moment. */
import { type SQL, sql } from "drizzle-orm";
import { readNodeEvidence } from "../evidence/evidenceNodes.ts";
import {
  joinObservations,
  joinPcr,
  joinRegistration,
  joinStatus,
  pcrRecords,
  REGISTRATIONS,
} from "../nodes/nodeState.ts";
import { joinUptime } from "../nodes/nodeUptime.ts";
import { type NodeRevenue, readNodeRevenues } from "../payments/nodeRevenue.ts";
import type { DailyOrganicCaps } from "../payments/volumes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import { hasVerifierResults, type ProofTables } from "../state/proofTables.ts";
import { spanUpTo } from "../state/spans.ts";
import { missedHeartbeats } from "./missedHeartbeats.ts";
import { NO_INFERENCES, readInferenceTotals, readPayloadAvailability } from "./nodeProofs.ts";
import { type HeartbeatTotals, readHeartbeatTotals, readSettlementTotals } from "./runningTotals.ts";
import { type LatencyPercentiles, readSettlementLatencies } from "./settlementLatency.ts";

/** Width in seconds; null since the beginning. */
export const NODE_WINDOWS = {
  "1h": 3_600,
  "24h": 86_400,
  "7d": 7 * 86_400,
  "30d": 30 * 86_400,
  all: null,
} as const satisfies Record<string, number | null>;
export type NodeWindow = keyof typeof NODE_WINDOWS;
export const NODE_WINDOW_NAMES = ["1h", "24h", "7d", "30d", "all"] as const satisfies readonly NodeWindow[];

/** Null where unknown, or not measured yet. */
export interface NodeMetrics {
  /** 0 to 1, by the contract's own rule; null before the node's first second. */
  readonly uptime: number | null;
  /** Heartbeats received, repeated signatures included. */
  readonly heartbeats: number | null;
  /** Of them, those whose signed second had been sent before. */
  readonly repeatedHeartbeats: number | null;
  /** See `missedHeartbeats`; null while `heartbeatMaxAge` is not known. */
  readonly missedHeartbeats: number | null;
  /** Mean time from signed second to block over `heartbeats`; null without any. */
  readonly heartbeatLatenessMeanSeconds: number | null;
  /** Signed in the window, with a valid signature, settled after the node's registration. */
  readonly inferences: number | null;
  /** Of `inferences`, by what their payloads claim; null when there are some and none claims any. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Individual settlements that name the node. */
  readonly settlements: number | null;
  /** Distinct ones. This and `revenue` are null while Base cannot be answered from, and when another node named its payment address. */
  readonly payers: number | null;
  readonly revenue: NodeRevenue["revenue"] | null;
  /** Of individual settlements: see `readSettlementLatencies`. */
  readonly settlementLatencyP50Seconds: number | null;
  readonly settlementLatencyP95Seconds: number | null;
  /** Of the newest individual settlements whose payload was looked for: the share whose payload could be had, 0 to 1. */
  readonly proofAvailability: number | null;
  readonly probes: number | null;
  readonly probeSuccess: number | null;
  readonly probeP50Ms: number | null;
}

interface NodeKey {
  readonly registry: string;
  readonly teeId: string;
}

/** What metrics are read from, beside the node's own moment. */
export interface MetricsSources {
  readonly proofs: ProofTables;
  /** Null while Base cannot be answered from. Windows of payments end here. */
  readonly base: Moment | null;
  readonly dailyOrganicCaps: DailyOrganicCaps;
  /** Settlements and inferences name a node and no registry: they belong to this one. */
  readonly settlementRegistry: string;
}

/**
 * The metrics of each key, in the order of the keys.
 * @param figures - latencies and availability of one node say nothing of several: without them they are null.
 */
export async function readNodeMetrics(
  transaction: ReadTransaction,
  moment: Moment,
  { proofs, base, dailyOrganicCaps, settlementRegistry }: MetricsSources,
  keys: readonly NodeKey[],
  windows: readonly NodeWindow[],
  figures: "all" | "only-sums" = "all",
): Promise<readonly Partial<Record<NodeWindow, NodeMetrics>>[]> {
  if (keys.length === 0 || windows.length === 0) return keys.map(() => ({}));
  const wanted = sql`wanted (chain_id, registry, tee_id, place) as (values ${sql.join(
    keys.map(
      ({ registry, teeId }, place) => sql`(${moment.chainId}::int, ${registry}, ${teeId}, ${place}::int)`,
    ),
    sql`, `,
  )})`;
  const spansUpTo = (end: Moment) => windows.map((name) => spanUpTo(end, name, NODE_WINDOWS[name]));
  const spans = spansUpTo(moment);
  const uptimes = await readUptimes(transaction, moment, wanted, windows);
  const heartbeats = await readHeartbeatTotals(transaction, moment, wanted, spans);
  const missed = await readMissedHeartbeats(transaction, moment, keys, windows);
  const settlements = await readSettlementTotals(transaction, moment, wanted, spans);
  const latencies =
    figures === "all"
      ? await readSettlementLatencies(transaction, moment, wanted, spans)
      : new Map<string, LatencyPercentiles>();
  const bounds = windows.map((name) => ({ name, seconds: NODE_WINDOWS[name] }));
  const inferences = await readInferenceTotals(transaction, proofs, moment, wanted, bounds);
  const availability =
    figures === "all"
      ? await readPayloadAvailability(transaction, proofs, moment, wanted, bounds)
      : new Map<string, number>();
  const revenues =
    base === null
      ? new Map<string, NodeRevenue>()
      : await readNodeRevenues(transaction, moment, base, dailyOrganicCaps, wanted, spansUpTo(base));
  return keys.map(({ registry }, index) =>
    Object.fromEntries(
      windows.map((window): [NodeWindow, NodeMetrics] => {
        const at = `${index} ${window}`;
        const settled = registry === settlementRegistry;
        const latency = settled ? latencies.get(at) : undefined;
        const revenue = revenues.get(at);
        const inferred =
          settled && hasVerifierResults(proofs) ? (inferences.get(at) ?? NO_INFERENCES) : undefined;
        return [
          window,
          {
            uptime: uptimes.get(at) ?? null,
            heartbeats: heartbeats.get(at)?.heartbeats ?? 0,
            repeatedHeartbeats: heartbeats.get(at)?.repeated ?? 0,
            missedHeartbeats: missed.get(at) ?? null,
            heartbeatLatenessMeanSeconds: meanLateness(heartbeats.get(at)),
            inferences: inferred?.inferences ?? null,
            promptTokens: inferred?.promptTokens ?? null,
            completionTokens: inferred?.completionTokens ?? null,
            settlements: settled ? (settlements.get(at)?.settlements ?? 0) : null,
            payers: revenue?.payers ?? null,
            revenue: revenue?.revenue ?? null,
            settlementLatencyP50Seconds: latency?.p50Seconds ?? null,
            settlementLatencyP95Seconds: latency?.p95Seconds ?? null,
            proofAvailability: settled ? (availability.get(at) ?? null) : null,
            probes: null,
            probeSuccess: null,
            probeP50Ms: null,
          },
        ];
      }),
    ),
  );
}

/** The nodes, each with its metrics of some windows. */
export async function withMetrics<N extends NodeKey>(
  transaction: ReadTransaction,
  moment: Moment,
  sources: MetricsSources,
  nodes: readonly N[],
  windows: readonly NodeWindow[],
): Promise<readonly (N & { readonly metrics: Readonly<Partial<Record<NodeWindow, NodeMetrics>>> })[]> {
  const metrics = await readNodeMetrics(transaction, moment, sources, nodes, windows);
  return nodes.map((node, index) => ({ ...node, metrics: metrics[index] ?? {} }));
}

/** Seconds, to three decimals. */
const meanLateness = (totals: HeartbeatTotals | undefined): number | null =>
  totals === undefined || totals.heartbeats === 0
    ? null
    : Math.round((1_000 * totals.latenessSeconds) / totals.heartbeats) / 1_000;

/** Per node and window, by `place name`. */
async function readMissedHeartbeats(
  transaction: ReadTransaction,
  moment: Moment,
  keys: readonly NodeKey[],
  windows: readonly NodeWindow[],
): Promise<ReadonlyMap<string, number>> {
  const spans = windows.map((name) => spanUpTo(moment, name, NODE_WINDOWS[name]));
  const froms = spans.map(({ from }) => from ?? 0);
  const missed = new Map<string, number>();
  for (const registry of new Set(keys.map((key) => key.registry))) {
    const places = new Map(
      keys.flatMap((key, place) => (key.registry === registry ? [[key.teeId, place] as const] : [])),
    );
    const scope = { registry, gapsEndingAfter: Math.min(...froms) };
    for (const node of await readNodeEvidence(transaction, moment, scope, [...places.keys()])) {
      // No value of heartbeatMaxAge was ever read or assumed.
      if (node.lastMaxAgeSeconds === null) continue;
      for (const [index, count] of missedHeartbeats(node, moment.time, spans).entries())
        missed.set(`${places.get(node.teeId)} ${spans[index]?.name}`, count);
    }
  }
  return missed;
}

const windowValues = (windows: readonly NodeWindow[]): SQL =>
  sql.join(
    windows.map((window) => sql`(${window}, ${NODE_WINDOWS[window]}::bigint)`),
    sql`, `,
  );

async function readUptimes(
  transaction: ReadTransaction,
  moment: Moment,
  wanted: SQL,
  windows: readonly NodeWindow[],
): Promise<ReadonlyMap<string, number | null>> {
  const rows = await transaction.rows<{ place: number; name: NodeWindow; ratio: number | null }>(sql`
    with ${pcrRecords(moment)}, ${wanted}
    select wanted.place, w.name, uptime.ratio
    from wanted
    join ${REGISTRATIONS} n on n.chain_id = ${moment.chainId} and n.registry = wanted.registry and n.tee_id = wanted.tee_id
    ${joinRegistration(moment)}
    ${joinObservations(moment)}
    ${joinPcr(moment)}
    ${joinStatus(moment)}
    cross join (values ${windowValues(windows)}) w (name, seconds)
    ${joinUptime(moment, sql`coalesce(w.seconds, ${moment.time})`)}
    order by wanted.place, w.name`);
  return new Map(rows.map(({ place, name, ratio }) => [`${place} ${name}`, ratio]));
}

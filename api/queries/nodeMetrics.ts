/** What is known of nodes over the windows that end at a moment. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import { readInferenceCounts, readPayloadAvailability } from "./nodeProofs.ts";
import { joinObservations, joinPcr, joinRegistration, joinStatus, pcrRecords } from "./nodeState.ts";
import { joinUptime } from "./nodeUptime.ts";
import { anythingFound, type ProofTables } from "./proofs.ts";

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
  readonly missedHeartbeats: number | null;
  /** Signed in the window, with a valid signature, settled after the node's registration. */
  readonly inferences: number | null;
  /** Individual settlements that name the node. */
  readonly settlements: number | null;
  readonly payers: number | null;
  readonly revenue:
    | readonly { readonly token: string; readonly raw: string; readonly organic: string | null }[]
    | null;
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

/** The metrics of each key, in the order of the keys. */
export async function readNodeMetrics(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  keys: readonly NodeKey[],
  windows: readonly NodeWindow[],
  settlementRegistry: string,
): Promise<readonly Partial<Record<NodeWindow, NodeMetrics>>[]> {
  if (keys.length === 0 || windows.length === 0) return keys.map(() => ({}));
  const wanted = sql`wanted (chain_id, registry, tee_id, place) as (values ${sql.join(
    keys.map(
      ({ registry, teeId }, place) => sql`(${moment.chainId}::int, ${registry}, ${teeId}, ${place}::int)`,
    ),
    sql`, `,
  )})`;
  const uptimes = await readUptimes(transaction, moment, wanted, windows);
  const heartbeats = await readCounts(transaction, moment, wanted, windows, HEARTBEATS);
  const settlements = await readCounts(transaction, moment, wanted, windows, SETTLEMENTS);
  const spans = windows.map((name) => ({ name, seconds: NODE_WINDOWS[name] }));
  const inferences = await readInferenceCounts(transaction, proofs, moment, wanted, spans);
  const availability = await readPayloadAvailability(transaction, proofs, moment, wanted, spans);
  return keys.map(({ registry }, index) =>
    Object.fromEntries(
      windows.map((window): [NodeWindow, NodeMetrics] => {
        const at = `${index} ${window}`;
        // Settlements and inferences name a node and no registry: they belong to one.
        const settled = registry === settlementRegistry;
        return [
          window,
          {
            uptime: uptimes.get(at) ?? null,
            heartbeats: heartbeats.get(at) ?? 0,
            missedHeartbeats: null,
            inferences: settled && anythingFound(proofs) ? (inferences.get(at) ?? 0) : null,
            settlements: settled ? (settlements.get(at) ?? 0) : null,
            payers: null,
            revenue: null,
            settlementLatencyP50Seconds: null,
            settlementLatencyP95Seconds: null,
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
    join og.node n on n.chain_id = ${moment.chainId} and n.registry = wanted.registry and n.tee_id = wanted.tee_id
    ${joinRegistration(moment)}
    ${joinObservations(moment)}
    ${joinPcr(moment)}
    ${joinStatus(moment)}
    cross join (values ${windowValues(windows)}) w (name, seconds)
    ${joinUptime(moment, sql`coalesce(w.seconds, ${moment.time})`)}
    order by wanted.place, w.name`);
  return new Map(rows.map(({ place, name, ratio }) => [`${place} ${name}`, ratio]));
}

/** A running total that every row of a node carries: what a window holds is the difference of two rows. */
interface Total {
  /** Rows `r` of `wanted`. */
  readonly rows: SQL;
  readonly soFar: SQL;
}

const HEARTBEATS: Total = {
  rows: sql`og.heartbeat r where r.registry = wanted.registry and r.tee_id = wanted.tee_id`,
  soFar: sql`r.heartbeats_so_far`,
};

const SETTLEMENTS: Total = {
  rows: sql`og.settlement r where r.tee_id = wanted.tee_id and r.settlements_so_far is not null`,
  soFar: sql`r.settlements_so_far`,
};

/** How many rows each node got in each window `(moment - width, moment]`. */
async function readCounts(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  wanted: SQL,
  windows: readonly NodeWindow[],
  { rows, soFar }: Total,
): Promise<ReadonlyMap<string, number>> {
  const upTo = (block: SQL) => sql`coalesce((
    select ${soFar} from ${rows} and r.chain_id = ${chainId} and r.block_number <= ${block}
    order by r.block_number desc, r.log_index desc limit 1), 0)`;
  const found = await transaction.rows<{ place: number; name: string; total: number }>(sql`
    with ${wanted},
    opening as materialized (
      select w.name, coalesce((
        select number from og.block where chain_id = ${chainId} and timestamp <= ${time}::bigint - w.seconds
        order by timestamp desc, number desc limit 1), -1) as block
      from (values ${windowValues(windows)}) w (name, seconds)
    )
    select wanted.place, opening.name, (closing.total - ${upTo(sql`opening.block`)})::bigint as total
    from wanted
    cross join lateral (select ${upTo(sql`${blockNumber}::bigint`)} as total) closing
    cross join opening
    order by wanted.place, opening.name`);
  return new Map(found.map(({ place, name, total }) => [`${place} ${name}`, total]));
}

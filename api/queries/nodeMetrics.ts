/** What is known of nodes over the windows that end at a moment. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import { joinObservations, joinPcr, joinRegistration, joinStatus, pcrRecords } from "./nodeState.ts";
import { joinUptime } from "./nodeUptime.ts";

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
  readonly inferences: number | null;
  /** Individual settlements that name the node. */
  readonly settlements: number | null;
  readonly payers: number | null;
  readonly revenue:
    | readonly { readonly token: string; readonly raw: string; readonly organic: string | null }[]
    | null;
  readonly settlementLatencyP50Seconds: number | null;
  readonly settlementLatencyP95Seconds: number | null;
  readonly proofAvailability: number | null;
  readonly probes: number | null;
  readonly probeSuccess: number | null;
  readonly probeP50Ms: number | null;
}

const HOUR = 3_600;
const DAY = 86_400;

export interface Segment {
  /** Rows one by one, or whole buckets of this width. */
  readonly source: "rows" | typeof HOUR | typeof DAY;
  /** Unix seconds, `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts `[from, to)` into whole days, whole hours and the rest, so that a long window costs few rows. A bucket counts
 * only when it is over at `to`: later events cannot have entered it.
 */
export function segmentsOf(from: number, to: number): readonly Segment[] {
  const align = (time: number, width: number, round: (value: number) => number) =>
    round(time / width) * width;
  const hourFrom = align(from, HOUR, Math.ceil);
  const hourTo = align(to, HOUR, Math.floor);
  if (hourFrom >= hourTo) return [{ source: "rows", from, to }];
  const dayFrom = align(hourFrom, DAY, Math.ceil);
  const dayTo = align(hourTo, DAY, Math.floor);
  const middle: Segment[] =
    dayFrom >= dayTo
      ? [{ source: HOUR, from: hourFrom, to: hourTo }]
      : [
          { source: HOUR, from: hourFrom, to: dayFrom },
          { source: DAY, from: dayFrom, to: dayTo },
          { source: HOUR, from: dayTo, to: hourTo },
        ];
  const segments: Segment[] = [
    { source: "rows", from, to: hourFrom },
    ...middle,
    { source: "rows", from: hourTo, to },
  ];
  return segments.filter((segment) => segment.from < segment.to);
}

interface NodeKey {
  readonly registry: string;
  readonly teeId: string;
}

/** The metrics of each key, in the order of the keys. */
export async function readNodeMetrics(
  transaction: ReadTransaction,
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
  return keys.map(({ registry }, index) =>
    Object.fromEntries(
      windows.map((window): [NodeWindow, NodeMetrics] => {
        const at = `${index} ${window}`;
        return [
          window,
          {
            uptime: uptimes.get(at) ?? null,
            heartbeats: heartbeats.get(at) ?? 0,
            missedHeartbeats: null,
            inferences: null,
            settlements: registry === settlementRegistry ? (settlements.get(at) ?? 0) : null,
            payers: null,
            revenue: null,
            settlementLatencyP50Seconds: null,
            settlementLatencyP95Seconds: null,
            proofAvailability: null,
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

interface Counted {
  /** Event rows `r` of `wanted`. */
  readonly rows: SQL;
  /** Their time column. */
  readonly time: SQL;
  readonly buckets: SQL;
  /** The buckets' column. */
  readonly count: SQL;
  /** From when on a node's buckets of a width (`s.width`) are not written yet; null when they always are. */
  readonly openFrom: SQL | null;
}

const HEARTBEATS: Counted = {
  rows: sql`og.heartbeat r where r.registry = wanted.registry and r.tee_id = wanted.tee_id`,
  time: sql`r.received_at`,
  buckets: sql`og.node_bucket b where b.registry = wanted.registry and b.tee_id = wanted.tee_id`,
  count: sql`b.heartbeats`,
  // The hour and the day of a node's newest heartbeat reach their buckets only with its next one.
  openFrom: sql`(
    select case when s.width = 3600 then l.hour_start_at else l.day_start_at end from og.node_liveness l
    where l.registry = wanted.registry and l.tee_id = wanted.tee_id and l.chain_id = wanted.chain_id)`,
};

const SETTLEMENTS: Counted = {
  rows: sql`og.settlement r where r.tee_id = wanted.tee_id and r.kind = 'individual'`,
  time: sql`r.settled_at`,
  buckets: sql`og.settlement_bucket b where b.tee_id = wanted.tee_id`,
  count: sql`b.settlements`,
  openFrom: null,
};

async function readCounts(
  transaction: ReadTransaction,
  { chainId, blockNumber, time }: Moment,
  wanted: SQL,
  windows: readonly NodeWindow[],
  { rows, time: timeColumn, buckets, count, openFrom }: Counted,
): Promise<ReadonlyMap<string, number>> {
  const segments = windows.flatMap((window) => {
    const width = NODE_WINDOWS[window];
    // Windows are (moment - width, moment]: the moment's own second belongs to them.
    return segmentsOf(width === null ? 0 : Math.max(0, time + 1 - width), time + 1).map((segment) => ({
      window,
      ...segment,
    }));
  });
  const cut = (source: "rows" | "buckets") => {
    const chosen = segments.filter((segment) => (segment.source === "rows") === (source === "rows"));
    const none = sql`(${"none"}, 0::int, 0::bigint, 0::bigint)`;
    const values = chosen.map(
      ({ window, source: width, from, to }) =>
        sql`(${window}, ${width === "rows" ? 0 : width}::int, ${from}::bigint, ${to}::bigint)`,
    );
    return sql.join(values.length === 0 ? [none] : values, sql`, `);
  };
  const lastBlockBefore = (bound: SQL) =>
    sql`coalesce((select number from og.block where chain_id = ${chainId} and timestamp < ${bound} order by timestamp desc, number desc limit 1), -1)`;
  const openRows = sql`
      union all
      select wanted.place, s.name, counted.total
      from wanted cross join bucket_segment s
      cross join lateral (select greatest(s.from_at, ${openFrom}) as from_at) open
      cross join lateral (
        select count(*) as total from ${rows} and r.chain_id = ${chainId}
          and r.block_number > ${lastBlockBefore(sql`open.from_at`)} and r.block_number <= ${blockNumber}
          and ${timeColumn} >= open.from_at and ${timeColumn} < s.to_at
      ) counted`;
  const found = await transaction.rows<{ place: number; name: string; total: bigint }>(sql`
    with ${wanted},
    row_segment as materialized (
      select s.name, ${lastBlockBefore(sql`s.from_at`)} as after_block,
        least(${lastBlockBefore(sql`s.to_at`)}, ${blockNumber}::bigint) as to_block, s.from_at, s.to_at
      from (values ${cut("rows")}) s (name, width, from_at, to_at)
    ),
    bucket_segment (name, width, from_at, to_at) as (values ${cut("buckets")})
    select place, name, sum(total)::numeric as total from (
      select wanted.place, s.name, counted.total
      from wanted cross join row_segment s
      cross join lateral (
        select count(*) as total from ${rows} and r.chain_id = ${chainId}
          and r.block_number > s.after_block and r.block_number <= s.to_block
          and ${timeColumn} >= s.from_at and ${timeColumn} < s.to_at
      ) counted
      union all
      select wanted.place, s.name, counted.total
      from wanted cross join bucket_segment s
      cross join lateral (
        select coalesce(sum(${count}), 0) as total from ${buckets} and b.chain_id = ${chainId}
          and b.interval_seconds = s.width and b.start_at >= s.from_at and b.start_at < s.to_at
      ) counted
      ${openFrom === null ? sql`` : openRows}
    ) part
    group by place, name order by place, name`);
  return new Map(found.map(({ place, name, total }) => [`${place} ${name}`, Number(total)]));
}

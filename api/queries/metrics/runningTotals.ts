/** Counts over any stretch of time as the difference of two rows that carry running totals. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import { type Span, spanBlocks } from "../state/spans.ts";

/** Rows `r` of a node of `wanted`, and what they carry. */
interface RunningTotals<Name extends string> {
  readonly rows: SQL;
  readonly columns: Readonly<Record<Name, string>>;
}

const HEARTBEATS: RunningTotals<"heartbeats" | "repeated" | "latenessSeconds"> = {
  rows: sql`og.heartbeat r where r.registry = wanted.registry and r.tee_id = wanted.tee_id`,
  columns: {
    heartbeats: "heartbeats_so_far",
    repeated: "repeated_so_far",
    latenessSeconds: "lateness_seconds_so_far",
  },
};

const SETTLEMENTS: RunningTotals<"settlements" | "latencySeconds"> = {
  rows: sql`og.settlement r where r.tee_id = wanted.tee_id and r.settlements_so_far is not null`,
  columns: { settlements: "settlements_so_far", latencySeconds: "latency_seconds_so_far" },
};

/** Received, of them those whose signed second had been sent before, and the sum of their latenesses. */
export type HeartbeatTotals = Readonly<Record<keyof typeof HEARTBEATS.columns, number>>;
/** Individual settlements, and the sum of their latencies, each clamped to 0 … one day. */
export type SettlementTotals = Readonly<Record<keyof typeof SETTLEMENTS.columns, number>>;

/** Per node and span, by `place name`. */
type Totals<Name extends string> = ReadonlyMap<string, Readonly<Record<Name, number>>>;

/** @param wanted - a common table expression `wanted (chain_id, registry, tee_id, place)`. */
export const readHeartbeatTotals = (
  transaction: ReadTransaction,
  moment: Moment,
  wanted: SQL,
  spans: readonly Span[],
): Promise<Totals<keyof HeartbeatTotals>> => readTotals(transaction, moment, wanted, spans, HEARTBEATS);

/** @param wanted - as above. */
export const readSettlementTotals = (
  transaction: ReadTransaction,
  moment: Moment,
  wanted: SQL,
  spans: readonly Span[],
): Promise<Totals<keyof SettlementTotals>> => readTotals(transaction, moment, wanted, spans, SETTLEMENTS);

async function readTotals<Name extends string>(
  transaction: ReadTransaction,
  moment: Moment,
  wanted: SQL,
  spans: readonly Span[],
  { rows, columns }: RunningTotals<Name>,
): Promise<Totals<Name>> {
  const named = Object.entries<string>(columns).map(([name, column]) => ({
    name: sql.identifier(name),
    column: sql.identifier(column),
  }));
  const newest = (block: SQL) => sql`
    left join lateral (
      select ${sql.join(
        named.map(({ column }) => sql`r.${column}`),
        sql`, `,
      )} from ${rows} and r.chain_id = ${moment.chainId} and r.block_number <= ${block}
      order by r.block_number desc, r.log_index desc limit 1
    )`;
  const found = await transaction.rows<{ at: string } & Readonly<Record<Name, number>>>(sql`
    with ${wanted}, ${spanBlocks("og", moment, spans)}
    select concat(wanted.place, ' ', span.name) as at, ${sql.join(
      named.map(
        ({ name, column }) =>
          sql`(coalesce(closing.${column}, 0) - coalesce(opening.${column}, 0))::bigint as ${name}`,
      ),
      sql`, `,
    )}
    from wanted cross join span
    ${newest(sql`span.until_block`)} closing on true
    ${newest(sql`span.after_block`)} opening on true
    order by wanted.place, span.name`);
  return new Map(found.map((totals) => [totals.at, totals]));
}

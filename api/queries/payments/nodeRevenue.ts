/**
 * What nodes took in. A payment names an address, not a node: it is a node's own only while no other node ever named the
 * address. Spans end at Base's moment.
 */
import { type SQL, sql } from "drizzle-orm";
import { DAY_SECONDS, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { joinObservations, joinRegistration, REGISTRATIONS, recordColumn } from "../nodes/nodeState.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf } from "../reading/page.ts";
import { within } from "../state/countedInferences.ts";
import { type Moment, type TimeRange, withinBlocks } from "../state/moment.ts";
import type { Span } from "../state/spans.ts";
import { wholeBuckets } from "../state/wholeBuckets.ts";
import { everyInsider, namedAddresses } from "./organic.ts";
import { type RevenueRow, readRevenues } from "./revenueTotals.ts";
import { type DailyOrganicCaps, type Volume, volumes } from "./volumes.ts";

/**
 * The most that is read for one span: days of payers, and payments on the days that the span cuts. All time comes from totals,
 * without a bound.
 */
export const MAX_PAYER_DAYS = 50_000;

export interface NodeRevenue {
  /** Distinct ones; null when there is more to read than `MAX_PAYER_DAYS`, as is every `organic` then. */
  readonly payers: number | null;
  /** In order of the token. */
  readonly revenue: readonly Volume[];
}

/** A node of `wanted` that alone named its payment address. */
interface OwnPayee {
  readonly place: number;
  readonly payee: string;
}

/** Whose payments are read, one at least, also as a relation `own_payee (place, payee)`. */
interface Payees {
  readonly own: readonly OwnPayee[];
  readonly relation: SQL;
}

/**
 * Per node and span, by `place name`. Absent for a node whose address is unknown or named by another node too.
 * @param wanted - a common table expression `wanted (chain_id, registry, tee_id, place)`.
 * @param most - see `MAX_PAYER_DAYS`.
 */
export async function readNodeRevenues(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  caps: DailyOrganicCaps,
  wanted: SQL,
  spans: readonly Span[],
  most = MAX_PAYER_DAYS,
): Promise<ReadonlyMap<string, NodeRevenue>> {
  const payees = await readOwnPayees(transaction, og, wanted);
  if (payees === null) return new Map();
  const windows = spans.filter(({ from }) => from !== null);
  const excessive = await readExcessive(transaction, base, payees, windows, most);
  const known = [
    ...(await readVolumes(transaction, og, base, caps, payees, windows, excessive)),
    ...(await readAllTime(transaction, og, base, caps, payees, spans)),
  ];
  const raw = excessive.size === 0 ? [] : await readRaw(transaction, base, payees, windows);
  const found = new Map(
    payees.own.flatMap(({ place }) =>
      spans.map(({ name }): [string, { payers: number | null; revenue: Volume[] }] => {
        const at = `${place} ${name}`;
        return [at, { payers: excessive.has(at) ? null : 0, revenue: [] }];
      }),
    ),
  );
  for (const { at, token, raw: amount, organic, effectivePayers, payers } of known) {
    const node = found.get(at);
    if (node === undefined) continue;
    if (token === null) node.payers = payers;
    else
      node.revenue.push({
        token,
        raw: String(amount ?? 0),
        organic: organic?.toString() ?? null,
        effectivePayers,
      });
  }
  for (const { at, token, raw: amount } of raw)
    if (excessive.has(at))
      found.get(at)?.revenue.push({ token, raw: amount.toString(), organic: null, effectivePayers: null });
  return found;
}

/** A node's payment address when no other node ever named it; else null. */
export async function readOwnPayee(
  transaction: ReadTransaction,
  og: Moment,
  { registry, teeId }: { readonly registry: string; readonly teeId: string },
): Promise<string | null> {
  const wanted = sql`wanted (registry, tee_id, place) as (values (${registry}, ${teeId}, 0))`;
  const [own] = await readOwn(transaction, og, wanted);
  return own?.payee ?? null;
}

/** Those of the nodes of `wanted`; null when there is none. */
async function readOwnPayees(transaction: ReadTransaction, og: Moment, wanted: SQL): Promise<Payees | null> {
  const rows = await readOwn(transaction, og, wanted);
  if (rows.length === 0) return null;
  const values = rows.map(({ place, payee }) => sql`(${place}::int, ${payee})`);
  return {
    own: rows,
    relation: sql`own_payee (place, payee) as materialized (values ${sql.join(values, sql`, `)})`,
  };
}

/** The nodes of `wanted` that alone named their payment address. */
const readOwn = (transaction: ReadTransaction, og: Moment, wanted: SQL): Promise<readonly OwnPayee[]> => {
  const { chainId, blockNumber } = og;
  return transaction.rows(sql`
    with ${wanted}, naming as materialized (
      select n.payment_address, n.tee_id from ${REGISTRATIONS} n
      where n.chain_id = ${chainId} and n.registered_block <= ${blockNumber} and n.payment_address is not null
      union
      select o.payment_address, o.tee_id from observations.node_record o
      where o.chain_id = ${chainId} and o.block_number <= ${blockNumber}
    )
    select wanted.place, ${recordColumn("payment_address")} as payee
    from wanted
    join ${REGISTRATIONS} n on n.chain_id = ${chainId} and n.registry = wanted.registry and n.tee_id = wanted.tee_id
    ${joinRegistration(og)}
    ${joinObservations(og)}
    where ${recordColumn("payment_address")} is not null and not exists (
      select from naming where naming.payment_address = ${recordColumn("payment_address")}
        and naming.tee_id <> n.tee_id)
    order by wanted.place`);
};

const rangeOf = ({ from, to }: Span, base: Moment): TimeRange => ({
  from: from === null ? undefined : Math.max(0, from),
  to: Math.min(to, base.time + 1),
});

/** Where a span's payments are: whole days have their sums, the rest is cut out of a day. */
function partsOf(base: Moment, span: Span): { readonly days: SQL; readonly rest: readonly SQL[] } {
  const { whole, rest } = wholeBuckets(rangeOf(span, base), DAY_SECONDS);
  return {
    days: sql`base.payer_day d where d.chain_id = ${base.chainId} and d.payee = own_payee.payee
      and ${allOf(within(sql`d.start_at`, whole))}`,
    rest: rest.map(
      (part) =>
        sql`base.payment m where m.payee = own_payee.payee and ${allOf(withinBlocks("base", base, part, "m"))}`,
    ),
  };
}

/** The spans, by `place name`, in which there is more than may be read; counted from indexes, up to the bound. */
async function readExcessive(
  transaction: ReadTransaction,
  base: Moment,
  { relation }: Payees,
  spans: readonly Span[],
  most: number,
): Promise<ReadonlySet<string>> {
  if (spans.length === 0) return new Set();
  const counted = (rows: SQL) => sql`(select count(*) from (select from ${rows} limit ${most + 1}) counted)`;
  const counts = spans.map((span) => {
    const { days, rest } = partsOf(base, span);
    const total = sql.join([days, ...rest].map(counted), sql` + `);
    return sql`select concat(own_payee.place, ${` ${span.name}`}::text) as at, ${total} as total from own_payee`;
  });
  const rows = await transaction.rows<{ at: string }>(sql`
    with ${relation} select at from (${sql.join(counts, sql` union all `)}) span where total > ${most} order by at`);
  return new Set(rows.map(({ at }) => at));
}

/** Rows of `p`: what was paid in a span, but for the places where that is too much. */
function paidIn(base: Moment, span: Span, excessive: ReadonlySet<string>): readonly SQL[] {
  const { days, rest } = partsOf(base, span);
  const place = sql`concat(own_payee.place, ${` ${span.name}`}::text) as place, own_payee.place as operator, own_payee.payee`;
  const left = [...excessive]
    .filter((at) => at.endsWith(` ${span.name}`))
    .map((at) => Number(at.split(" ")[0]));
  const known = left.length === 0 ? sql`true` : sql`own_payee.place not in ${left}`;
  return [
    sql`select ${place}, d.* from own_payee cross join lateral (
      select d.payer, d.token, d.start_at, d.payments, d.amount, d.self_facilitated_amount from ${days}) d where ${known}`,
    ...rest.map(
      (part) => sql`select ${place}, m.* from own_payee cross join lateral (
      select m.payer, m.token, m.paid_at - m.paid_at % ${DAY_SECONDS} as start_at, 1 as payments, m.amount,
        case when m.payer = m.facilitator then m.amount else 0 end as self_facilitated_amount
      from ${part}) m where ${known}`,
    ),
  ];
}

interface VolumeRow extends Omit<RevenueRow, "owner" | "payments"> {
  at: string;
}

/** Of the spans since the beginning, which end with the moment and so are all the same: from the payees' totals. */
async function readAllTime(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  caps: DailyOrganicCaps,
  { own }: Payees,
  spans: readonly Span[],
): Promise<readonly VolumeRow[]> {
  const names = spans.filter(({ from }) => from === null).map(({ name }) => name);
  if (names.length === 0) return [];
  const payees = sql`values ${sql.join(
    own.map(({ place, payee }) => sql`(${payee}, ${String(place)})`),
    sql`, `,
  )}`;
  const rows = await readRevenues(transaction, og, base, caps, payees);
  return names.flatMap((name) => rows.map(({ owner, ...row }) => ({ ...row, at: `${owner} ${name}` })));
}

async function readVolumes(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  caps: DailyOrganicCaps,
  { relation }: Payees,
  spans: readonly Span[],
  excessive: ReadonlySet<string>,
): Promise<readonly VolumeRow[]> {
  if (spans.length === 0) return [];
  return transaction.rows<VolumeRow>(sql`
    with recursive ${namedAddresses(og)}, ${everyInsider(og, base)}, ${relation},
    p as (${sql.join(
      spans.flatMap((span) => paidIn(base, span, excessive)),
      sql` union all `,
    )}),
    ${volumes(caps)}
    select place as at, token, raw, organic, effective_payers as "effectivePayers", payers from volume
    union all
    select place, null, null, null, null, count(distinct payer) from per_payer group by place
    order by 1, 2`);
}

/** Everything that was paid, from sums of hours: at a bounded cost, however many payers there are. */
const readRaw = (
  transaction: ReadTransaction,
  base: Moment,
  { relation }: Payees,
  spans: readonly Span[],
): Promise<readonly { at: string; token: string; raw: bigint }[]> => {
  const parts = spans.flatMap((span) => {
    const { whole, rest } = wholeBuckets(rangeOf(span, base), HOUR_SECONDS);
    const place = sql`concat(own_payee.place, ${` ${span.name}`}::text) as place`;
    return [
      sql`select ${place}, b.token, b.amount from own_payee join base.payment_bucket b
        on b.payee = own_payee.payee and b.chain_id = ${base.chainId} and ${allOf(within(sql`b.start_at`, whole))}`,
      ...rest.map(
        (part) => sql`select ${place}, m.token, m.amount from own_payee join base.payment m
        on m.payee = own_payee.payee and ${allOf(withinBlocks("base", base, part, "m"))}`,
      ),
    ];
  });
  return transaction.rows(sql`
    with ${relation}
    select place as at, token, sum(amount) as raw from (${sql.join(parts, sql` union all `)}) paid
    group by 1, 2 order by 1, 2`);
};

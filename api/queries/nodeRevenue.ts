/**
 * What nodes took in. A payment names an address, not a node: it is a node's own only while no other node ever named the
 * address. Spans end at Base's moment.
 */
import { type SQL, sql } from "drizzle-orm";
import { within } from "./countedInferences.ts";
import type { ReadTransaction } from "./database.ts";
import { type Moment, type TimeRange, withinBlocks } from "./moment.ts";
import { joinObservations, joinRegistration, REGISTRATIONS, recordColumn } from "./nodeState.ts";
import { insiders, namedAddresses } from "./organic.ts";
import { allOf } from "./page.ts";
import type { Span } from "./spans.ts";
import { type DailyOrganicCaps, type Volume, volumes } from "./volumes.ts";
import { DAY_SECONDS, HOUR_SECONDS, wholeBuckets } from "./wholeBuckets.ts";

/** The most that is read for one span: days of payers, and payments on the days that the span cuts. */
export const MOST_PAYER_DAYS = 50_000;

export interface NodeRevenue {
  /** Distinct ones; null when there is more to read than `MOST_PAYER_DAYS`, as is every `organic` then. */
  readonly payers: number | null;
  /** In order of the token. */
  readonly revenue: readonly Volume[];
}

/** Whose payments are read, as a relation `own_payee (place, payee)`. */
interface Payees {
  readonly places: readonly number[];
  readonly relation: SQL;
}

/**
 * Per node and span, by `place name`. Absent for a node whose address is unknown or named by another node too.
 * @param wanted - a common table expression `wanted (chain_id, registry, tee_id, place)`.
 * @param most - see `MOST_PAYER_DAYS`.
 */
export async function readNodeRevenues(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  caps: DailyOrganicCaps,
  wanted: SQL,
  spans: readonly Span[],
  most = MOST_PAYER_DAYS,
): Promise<ReadonlyMap<string, NodeRevenue>> {
  const payees = await readOwnPayees(transaction, og, wanted);
  if (payees === null) return new Map();
  const known = await readVolumes(transaction, og, base, caps, payees, spans, most);
  const excessive = new Set(known.filter(({ excess }) => excess).map(({ at }) => at));
  const raw = excessive.size === 0 ? [] : await readRaw(transaction, base, payees, spans);
  const found = new Map(
    payees.places.flatMap((place) =>
      spans.map(({ name }): [string, { payers: number | null; revenue: Volume[] }] => {
        const at = `${place} ${name}`;
        return [at, { payers: excessive.has(at) ? null : 0, revenue: [] }];
      }),
    ),
  );
  for (const { at, token, raw: amount, organic, effectivePayers, payers } of known) {
    const node = found.get(at);
    if (node === undefined || excessive.has(at)) continue;
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
    places: rows.map(({ place }) => place),
    relation: sql`own_payee (place, payee) as materialized (values ${sql.join(values, sql`, `)})`,
  };
}

/** The nodes of `wanted` that alone named their payment address. */
const readOwn = (
  transaction: ReadTransaction,
  og: Moment,
  wanted: SQL,
): Promise<readonly { readonly place: number; readonly payee: string }[]> => {
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

/** Rows of `p`: what was paid in a span, whole days from their sums and the rest from payments, at most one too many. */
function paidIn(base: Moment, span: Span, most: number): readonly SQL[] {
  const { whole, rest } = wholeBuckets(rangeOf(span, base), DAY_SECONDS);
  const place = sql`concat(own_payee.place, ${` ${span.name}`}::text) as place, own_payee.place as operator, own_payee.payee`;
  return [
    sql`select ${place}, d.* from own_payee cross join lateral (
      select d.payer, d.token, d.start_at, d.payments, d.amount, d.self_facilitated_amount from base.payer_day d
      where d.chain_id = ${base.chainId} and d.payee = own_payee.payee and ${allOf(within(sql`d.start_at`, whole))}
      limit ${most + 1}) d`,
    ...rest.map(
      (part) => sql`select ${place}, m.* from own_payee cross join lateral (
      select m.payer, m.token, m.paid_at - m.paid_at % ${DAY_SECONDS} as start_at, 1 as payments, m.amount,
        case when m.payer = m.facilitator then m.amount else 0 end as self_facilitated_amount
      from base.payment m
      where m.payee = own_payee.payee and ${allOf(withinBlocks("base", base, part, "m"))}
      limit ${most + 1}) m`,
    ),
  ];
}

interface VolumeRow {
  at: string;
  /** Null in the row that counts a span's payers over all tokens. */
  token: string | null;
  raw: bigint | null;
  organic: bigint | null;
  effectivePayers: number | null;
  payers: number;
  excess: boolean;
}

const readVolumes = (
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  caps: DailyOrganicCaps,
  { relation }: Payees,
  spans: readonly Span[],
  most: number,
): Promise<readonly VolumeRow[]> =>
  transaction.rows<VolumeRow>(sql`
    with ${namedAddresses(og)}, ${relation},
    paid as materialized (${sql.join(
      spans.flatMap((span) => paidIn(base, span, most)),
      sql` union all `,
    )}),
    excessive as materialized (select place from paid group by place having count(*) > ${most}),
    p as materialized (select * from paid where not exists (select from excessive e where e.place = paid.place)),
    payer as (select distinct payer as account from p), ${insiders(og)}, ${volumes(caps)}
    select place as at, token, raw, organic, effective_payers as "effectivePayers", payers, false as excess from volume
    union all
    select place, null, null, null, null, count(distinct payer), false from per_payer group by place
    union all
    select place, null, null, null, null, 0, true from excessive
    order by 1, 2`);

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

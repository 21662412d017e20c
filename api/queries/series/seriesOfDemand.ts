/**
 * Series of what was paid, to one address or to everyone. Raw sums come from sums of hours, whatever there is; who paid, and
 * what of it is organic, from days of payers or from payments, up to a bound.
 */
import { type SQL, sql } from "drizzle-orm";
import { DAY_SECONDS, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { everyInsider, isOrganicPair, namedAddresses } from "../payments/organic.ts";
import { type DailyOrganicCaps, organicCaps, type Volume } from "../payments/volumes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf } from "../reading/page.ts";
import { lastBlockBefore, type Moment, withinBlocks } from "../state/moment.ts";
import { indexOf, rangeOf, type SeriesGrid } from "./seriesGrid.ts";
import type { SeriesValues } from "./seriesOfNode.ts";

export const DEMAND_METRICS = ["payments", "payers"] as const;
export type DemandMetric = (typeof DEMAND_METRICS)[number];

/** The most that is read for `payers` and `organic` of one series: days of payers, or payments in a series by the hour. */
export const MAX_PAID_ROWS = 200_000;

/** Whose payments: those to one address, or all. */
export interface Demand {
  readonly base: Moment;
  readonly payee: string | null;
}

/** Whose payers are bounded together: a common table expression `own_address (payment_address, owner)`. */
export interface OrganicRules {
  readonly og: Moment;
  readonly caps: DailyOrganicCaps;
  readonly ownAddresses: SQL;
}

/** Volumes per bucket, in order of the token; null where unknown. */
export type SeriesVolumes = readonly (readonly Volume[] | null)[];

/** Payments `m` after the moment, up to the end of its own bucket of a width: of those, sums hold too much. */
const paidLater = ({ base, payee }: Demand, width: number): SQL => {
  const { chainId, blockNumber, time } = base;
  return sql`base.payment m where m.chain_id = ${chainId} and m.block_number > ${blockNumber}
    and m.block_number <= ${lastBlockBefore("base", chainId, bucketEnd(time, width))}
    and ${payee === null ? sql`true` : sql`m.payee = ${payee}`}`;
};

const bucketEnd = (time: number, width: number): number => time - (time % width) + width;

/** @param columns - sums over `b (start_at, token, payments, amount)`, which may hold several rows of one hour and token. */
const hourly = (demand: Demand, grid: SeriesGrid, columns: SQL): SQL => {
  const { base, payee } = demand;
  const { from, to } = rangeOf(grid);
  const table =
    payee === null
      ? sql`base.token_bucket b where true`
      : sql`base.payment_bucket b where b.payee = ${payee}`;
  const bucket = sql`(b.start_at - b.start_at % ${grid.widthSeconds}::bigint)`;
  return sql`select ${bucket} as "startAt", ${columns} from (
      select b.start_at, b.token, b.payments, b.amount from ${table}
        and b.chain_id = ${base.chainId} and b.start_at >= ${from} and b.start_at < ${to}
      union all
      select m.paid_at - m.paid_at % ${HOUR_SECONDS}, m.token, -1, -m.amount from ${paidLater(demand, HOUR_SECONDS)}
    ) b where b.start_at >= ${from} and b.start_at < least(${to}::bigint, ${bucketEnd(base.time, HOUR_SECONDS)}::bigint)`;
};

/** Payments per bucket. */
export async function readPaymentSeries(
  transaction: ReadTransaction,
  demand: Demand,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const rows = await transaction.rows<{ startAt: number; payments: number }>(sql`
    ${hourly(demand, grid, sql`sum(b.payments)::bigint as payments`)} group by 1 order by 1`);
  return spread(grid, rows, ({ payments }) => payments);
}

/** Distinct payers per bucket; null when there is too much to read. */
export async function readPayerSeries(
  transaction: ReadTransaction,
  demand: Demand,
  grid: SeriesGrid,
): Promise<SeriesValues> {
  const rows = await transaction.rows<{ startAt: number | null; payers: number }>(sql`
    with paid as materialized (${paidRows(demand, grid, rangeOf(grid).from)})
    select start_at as "startAt", count(distinct payer) as payers from paid
    where (select count(*) from paid) <= ${MAX_PAID_ROWS} group by 1
    union all
    select null, 0 where (select count(*) from paid) > ${MAX_PAID_ROWS}
    order by 1`);
  if (rows.some(({ startAt }) => startAt === null)) return grid.buckets.map(() => null);
  return spread(
    grid,
    rows.flatMap(({ startAt, payers }) => (startAt === null ? [] : [{ startAt, payers }])),
    ({ payers }) => payers,
  );
}

/** What was paid per bucket and token. */
export async function readVolumeSeries(
  transaction: ReadTransaction,
  demand: Demand,
  rules: OrganicRules | null,
  grid: SeriesGrid,
): Promise<SeriesVolumes> {
  const raw = await transaction.rows<{ startAt: number; token: string; raw: bigint }>(sql`
    ${hourly(demand, grid, sql`b.token, sum(b.amount) as raw`)}
    group by 1, 2 having sum(b.payments) > 0 order by 1, 2`);
  const organic = rules === null ? new Map() : await readOrganic(transaction, demand, rules, grid);
  const volumes: Volume[][] = grid.buckets.map(() => []);
  for (const { startAt, token, raw: amount } of raw) {
    const found = organic.get(`${startAt} ${token}`);
    volumes[indexOf(grid, startAt)]?.push({
      token,
      raw: amount.toString(),
      organic: found?.organic?.toString() ?? null,
      effectivePayers: found?.effectivePayers ?? null,
    });
  }
  return volumes;
}

const spread = <Row extends { readonly startAt: number }>(
  grid: SeriesGrid,
  rows: readonly Row[],
  numberOf: (row: Row) => number,
): SeriesValues => {
  const values = grid.buckets.map(() => 0);
  for (const row of rows) values[indexOf(grid, row.startAt)] = numberOf(row);
  return values;
};

/**
 * Rows `start_at, day, payer, payee, token, amount, self_facilitated_amount`, at most one too many: days of payers where
 * they suffice, else payments.
 * @param from - where to begin: at the grid's first bucket, or at its midnight.
 */
function paidRows(demand: Demand, grid: SeriesGrid, from: number): SQL {
  const { base, payee } = demand;
  const { to } = rangeOf(grid);
  const limit = sql`limit ${MAX_PAID_ROWS + 1}`;
  const today = bucketEnd(base.time, DAY_SECONDS) - DAY_SECONDS;
  if (grid.widthSeconds === DAY_SECONDS)
    return sql`
      select p.start_at, p.start_at as day, p.payer, p.payee, p.token, p.amount - coalesce(later.amount, 0) as amount,
        p.self_facilitated_amount - coalesce(later.self_facilitated_amount, 0) as self_facilitated_amount
      from base.payer_day p
      left join (
        select m.payer, m.payee, m.token, count(*) as payments, sum(m.amount) as amount,
          coalesce(sum(m.amount) filter (where m.payer = m.facilitator), 0) as self_facilitated_amount
        from ${paidLater(demand, DAY_SECONDS)} group by 1, 2, 3
      ) later on p.start_at = ${today} and (later.payer, later.payee, later.token) = (p.payer, p.payee, p.token)
      where p.chain_id = ${base.chainId} and p.start_at >= ${from} and p.start_at < ${to} and p.start_at <= ${today}
        and ${payee === null ? sql`true` : sql`p.payee = ${payee}`} and p.payments > coalesce(later.payments, 0)
      ${limit}`;
  return sql`
    select p.paid_at - p.paid_at % ${HOUR_SECONDS} as start_at, p.paid_at - p.paid_at % ${DAY_SECONDS} as day, p.payer,
      p.payee, p.token, p.amount, case when p.payer = p.facilitator then p.amount else 0 end as self_facilitated_amount
    from base.payment p
    where ${allOf([
      ...withinBlocks("base", base, { from, to }, "p"),
      ...(payee === null ? [] : [sql`p.payee = ${payee}`]),
    ])}
    ${limit}`;
}

interface OrganicVolume {
  readonly organic: bigint | null;
  readonly effectivePayers: number | null;
}

/**
 * By `startAt token`; empty when there is too much to read. What of an hour is organic is by how much it raised the day's
 * volume, so that a day is the sum of its hours.
 */
async function readOrganic(
  transaction: ReadTransaction,
  demand: Demand,
  { og, caps, ownAddresses }: OrganicRules,
  grid: SeriesGrid,
): Promise<ReadonlyMap<string, OrganicVolume>> {
  const { from } = rangeOf(grid);
  const rows = await transaction.rows<OrganicVolume & { startAt: number; token: string }>(sql`
    with recursive ${namedAddresses(og)}, ${everyInsider(og, demand.base)}, ${ownAddresses}, ${organicCaps(caps)},
    paid as materialized (${paidRows(demand, grid, from - (from % DAY_SECONDS))}),
    p as materialized (
      select paid.*, own_address.owner from paid left join own_address on own_address.payment_address = paid.payee
      where (select count(*) from paid) <= ${MAX_PAID_ROWS}
    ),
    hour as (
      select p.start_at, p.day, p.owner, p.token, p.payer, cap.amount as cap,
        coalesce(sum(p.amount - p.self_facilitated_amount) filter (where ${isOrganicPair}), 0) as gained
      from p join cap on cap.token = p.token group by 1, 2, 3, 4, 5, 6
    ), counted as (
      select start_at, token, payer, least(reached, cap) - least(reached - gained, cap) as organic from (
        select hour.*, sum(gained) over (partition by day, owner, token, payer order by start_at) as reached from hour
      ) reached
    ), per_payer as (
      select start_at, token, payer, sum(organic) as organic from counted where start_at >= ${from} group by 1, 2, 3
    )
    select start_at as "startAt", token, sum(organic) as organic,
      round(sum(organic) * sum(organic) / nullif(sum(organic * organic), 0), 4)::float8 as "effectivePayers"
    from per_payer group by 1, 2 order by 1, 2`);
  return new Map(rows.map(({ startAt, token, ...volume }) => [`${startAt} ${token}`, volume]));
}

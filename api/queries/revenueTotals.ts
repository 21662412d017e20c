/** What payees were paid in all time. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import { everyInsider, midnightOf, namedAddresses, paidToday } from "./organic.ts";
import { capOf, type DailyOrganicCaps } from "./volumes.ts";

/** Of one owner of payees in one token. */
export interface RevenueRow {
  owner: string;
  /** Null in the row that counts an owner's payers over all tokens. */
  token: string | null;
  raw: bigint | null;
  organic: bigint | null;
  payments: number | null;
  payers: number;
  effectivePayers: number | null;
}

/**
 * The payees' totals at the moment's midnight, which count every payer for what it paid each payee by itself, put right for
 * those of whom that is not all: who paid on the moment's own day, who paid several of an owner's payees, and who is left
 * out for who they are. However long a history is, the rest of it is not read.
 * @param own - payees with whose they are; a payer's daily cap is one for all of an owner's.
 */
export async function readRevenues(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  dailyOrganicCaps: DailyOrganicCaps,
  own: readonly (readonly [payee: string, owner: string])[],
): Promise<readonly RevenueRow[]> {
  if (own.length === 0) return [];
  const payees = sql.join(
    own.map(([payee, owner]) => sql`(${payee}, ${owner})`),
    sql`, `,
  );
  const { chainId } = base;
  const midnight = midnightOf(base.time);
  const cap = capOf(dailyOrganicCaps, sql`token`);
  return transaction.rows<RevenueRow>(sql`
    with recursive ${namedAddresses(og)}, ${everyInsider(og, base)},
    own_payee (payee, owner, largest) as materialized (
      select own.payee, own.owner, row_number() over (partition by own.owner order by known.payers desc, own.payee) = 1
      from (values ${payees}) own (payee, owner) cross join lateral (
        select coalesce(sum(t.new_payers), 0) as payers from base.payee_total t
        where t.chain_id = ${chainId} and t.payee = own.payee
      ) known
    ), closed as materialized (
      select o.owner, o.payee, b.* from own_payee o
      join base.payee_total t on t.chain_id = ${chainId} and t.payee = o.payee
      cross join lateral (
        select b.token, b.payments_so_far, b.amount_so_far, b.payers_so_far, b.new_payers_so_far, b.capped_so_far,
          b.capped_squares_so_far
        from base.payment_bucket b
        where b.chain_id = ${chainId} and b.payee = t.payee and b.token = t.token and b.start_at < ${midnight}
        order by b.start_at desc limit 1
      ) b
    ), today as materialized (
      select o.owner, paid.* from (${paidToday(base, sql`own_payee`)}) paid join own_payee o on o.payee = paid.payee
    ), left_out as materialized (
      select suspect.* from (
        select o.owner, o.payee, insider.account as payer from own_payee o cross join insider
        union
        select o.owner, o.payee, n.owner from own_payee o join named_address n on n.payment_address = o.payee
      ) suspect where ${hasPaid(chainId, sql`suspect`)}
    ), shared as materialized (
      select o.owner, p.payer from own_payee o
      join base.payee_payer p on p.chain_id = ${chainId} and p.payee = o.payee
      where not o.largest and exists (
        select from own_payee other where other.owner = o.owner and other.payee <> o.payee
          and (select true from base.payee_payer q where q.chain_id = ${chainId} and q.payee = other.payee and q.payer = p.payer)
      )
    ), affected as materialized (
      select owner, payer from today union select owner, payer from left_out union select owner, payer from shared
    ), before as materialized (
      select a.owner, a.payer, o.payee, d.token, d.capped_before + coalesce(least(d.others, ${capOf(dailyOrganicCaps, sql`d.token`)}), 0) as capped
      from affected a
      join own_payee o on o.owner = a.owner
      join base.payer_total t on t.chain_id = ${chainId} and t.payee = o.payee and t.payer = a.payer
      cross join lateral (
        select d.token, d.capped_before, d.amount - d.self_facilitated_amount as others from base.payer_day d
        where d.chain_id = ${chainId} and d.payee = t.payee and d.token = t.token and d.payer = t.payer
          and d.start_at < ${midnight}
        order by d.start_at desc limit 1
      ) d
    ), pair as materialized (
      select owner, payer, payee, token, sum(capped) as capped, sum(others) as others,
        (owner, payee, payer) in (select owner, payee, payer from left_out) as left_out
      from (
        select owner, payer, payee, token, capped, 0 as others from before
        union all
        select owner, payer, payee, token, 0, amount - self_facilitated_amount from today
      ) known group by owner, payer, payee, token
    ), per_payer as (
      select owner, payer, token, count(*) filter (where not left_out) as payees,
        coalesce(sum(capped + least(others, ${cap})) filter (where not left_out), 0) as organic
      from pair group by owner, payer, token
    ), joint as materialized (
      -- one cap for all of the owner's payees
      select owner, payer, token, sum(least(others, ${cap})) as organic from (
        select owner, payer, token, start_at, sum(others) as others from (
          select p.owner, p.payer, p.token, d.start_at, d.amount - d.self_facilitated_amount as others
          from per_payer p
          join pair using (owner, payer, token)
          join base.payer_day d on d.chain_id = ${chainId} and d.payee = pair.payee and d.token = p.token
            and d.payer = p.payer and d.start_at < ${midnight}
          where p.payees > 1 and not pair.left_out
          union all
          select p.owner, p.payer, p.token, ${midnight}::bigint, pair.others from per_payer p
          join pair using (owner, payer, token) where p.payees > 1 and not pair.left_out
        ) paid group by owner, payer, token, start_at
      ) daily group by owner, payer, token
    ), part (owner, token, raw, payments, payers, organic, squares) as (
      select owner, token, amount_so_far, payments_so_far, payers_so_far, capped_so_far, capped_squares_so_far from closed
      union all
      select owner, token, amount, payments, 0, 0, 0 from today
      union all
      select owner, token, 0, 0, -1, -capped, -capped * capped from before
      union all
      select p.owner, p.token, 0, 0, 1, counted.organic, counted.organic * counted.organic
      from per_payer p left join joint using (owner, payer, token)
      cross join lateral (select coalesce(joint.organic, p.organic) as organic) counted
    )
    select owner, token, sum(raw) as raw, case when ${cap} is not null then sum(organic) end as organic,
      sum(payments)::bigint as payments, sum(payers)::bigint as payers,
      case when ${cap} is not null then round(sum(organic) * sum(organic) / nullif(sum(squares), 0), 4)::float8 end
        as "effectivePayers"
    from part group by owner, token
    union all
    select owner, null, null, null, null, sum(payers)::bigint, null from (
      select owner, new_payers_so_far as payers from closed
      union all
      select owner, -count(distinct (payee, payer)) from before group by owner
      union all
      select owner, count(distinct payer) from pair group by owner
    ) counted group by owner
    order by 1, 2`);
}

/** Whether `pair.payer` ever paid `pair.payee`. */
const hasPaid = (chainId: number, pair: SQL): SQL => sql`(
  select true from base.payee_payer p where p.chain_id = ${chainId} and p.payee = ${pair}.payee and p.payer = ${pair}.payer)`;

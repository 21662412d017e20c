/** What payees were paid in all time. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";

import { everyInsider, midnightOf, namedAddresses, paidToday } from "./organic.ts";
import { capOf, type DailyOrganicCaps } from "./volumes.ts";

/** Of one owner of payees in one token. */
export interface RevenueRow {
  owner: string;
  /** Null in the row that counts an owner's payers over all tokens. */
  token: string | null;
  raw: bigint | null;
  /** Null for a token without a cap, and when there is too much to read: see `MAX_JOINT_DAYS`. */
  organic: bigint | null;
  payments: number | null;
  payers: number | null;
  effectivePayers: number | null;
}

/**
 * The most that is read of payers who paid several of an owner's payees: so many of them, and so many of the days on which they
 * did. Whoever wants to can be many payers, and no answer may become slow by that.
 */
export const MAX_JOINT_PAYERS = 10_000;
export const MAX_JOINT_DAYS = 100_000;

/**
 * The payees' totals at the moment's midnight, which count every payer for what it paid each payee by itself, put right for
 * those of whom that is not all: who paid on the moment's own day, who paid several of an owner's payees, and who is left out
 * for who they are. However long a history is, the rest of it is not read.
 * @param payees - a query of `payee, owner` that may use `namedAddresses`: a payer's daily cap is one for all of an owner's.
 */
export function readRevenues(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  dailyOrganicCaps: DailyOrganicCaps,
  payees: SQL,
  { mostPayers = MAX_JOINT_PAYERS, mostDays = MAX_JOINT_DAYS } = {},
): Promise<readonly RevenueRow[]> {
  const { chainId } = base;
  const midnight = midnightOf(base.time);
  const cap = capOf(dailyOrganicCaps, sql`token`);
  return transaction.rows<RevenueRow>(sql`
    with recursive ${namedAddresses(og)}, ${everyInsider(og, base)},
    own_payee (payee, owner, largest) as materialized (
      select own.payee, own.owner, row_number() over (partition by own.owner order by known.payers desc, own.payee) = 1
      from (${payees}) own (payee, owner) cross join lateral (
        select coalesce(sum(t.new_payers), 0) as payers from base.payee_total t
        where t.chain_id = ${chainId} and t.payee = own.payee
      ) known
    ), closed as materialized (
      select o.owner, b.* from own_payee o
      join base.payee_total t on t.chain_id = ${chainId} and t.payee = o.payee
      cross join lateral (
        select b.token, b.payments_so_far, b.amount_so_far, b.payers_so_far, b.new_payers_so_far, b.capped_so_far,
          b.capped_squares_so_far
        from base.payment_bucket b
        where b.chain_id = ${chainId} and b.payee = t.payee and b.token = t.token and b.start_at < ${midnight}
        order by b.start_at desc limit 1
      ) b
    ), today as materialized (
      select o.owner, paid.* from (${paidToday(base, sql`own_payee`)}) paid
      join own_payee o on o.payee = paid.payee
    ), left_out as materialized (
      select o.owner, o.payee, p.payer from insider
      join base.payee_payer p on p.chain_id = ${chainId} and p.payer = insider.account
      join own_payee o on o.payee = p.payee
      union
      select o.owner, o.payee, n.owner from own_payee o join named_address n on n.payment_address = o.payee
      where (select true from base.payee_payer p where p.chain_id = ${chainId} and p.payee = o.payee and p.payer = n.owner)
    ), joint_payer as materialized (
      -- each payer's payees are gone through once, however many they and their owners are
      select o.owner, p.payer, row_number() over (partition by o.owner order by p.payer) as ordinal from (
        select distinct p.payer from own_payee o
        join base.payee_payer p on p.chain_id = ${chainId} and p.payee = o.payee where not o.largest
      ) candidate
      join base.payee_payer p on p.chain_id = ${chainId} and p.payer = candidate.payer
      join own_payee o on o.payee = p.payee
      group by o.owner, p.payer having count(*) > 1
    ), crowded as materialized (
      select owner from joint_payer where ordinal = ${mostPayers + 1}
    ), affected as materialized (
      select owner, payer from (
        select owner, payer from today union select owner, payer from left_out union select owner, payer from joint_payer
      ) known where owner not in (select owner from crowded)
    ), known as materialized (
      select o.owner, p.payer, o.payee from (select distinct payer from affected) a
      join base.payee_payer p on p.chain_id = ${chainId} and p.payer = a.payer
      join own_payee o on o.payee = p.payee
      -- as a value, because Postgres, expecting few rows, would join by going through all of them for each
      where ((o.owner, p.payer) in (select owner, payer from affected)) is true
    ), before as materialized (
      select k.owner, k.payer, k.payee, d.token,
        d.capped_before + coalesce(least(d.others, ${capOf(dailyOrganicCaps, sql`d.token`)}), 0) as capped
      from known k
      join base.payer_total t on t.chain_id = ${chainId} and t.payee = k.payee and t.payer = k.payer
      cross join lateral (
        select d.token, d.capped_before, d.amount - d.self_facilitated_amount as others from base.payer_day d
        where d.chain_id = ${chainId} and d.payee = t.payee and d.token = t.token and d.payer = t.payer
          and d.start_at < ${midnight}
        order by d.start_at desc limit 1
      ) d
    ), pair as materialized (
      select *, count(*) filter (where not left_out) over (partition by owner, payer, token) > 1 as joint from (
        select owner, payer, payee, token, sum(capped) as capped, sum(others) as others,
          (payee, payer) in (select payee, payer from left_out) as left_out
        from (
          select owner, payer, payee, token, capped, 0 as others from before
          union all
          select owner, payer, payee, token, 0, amount - self_facilitated_amount from today
        ) known group by owner, payer, payee, token
      ) pair
    ), joint_day as materialized (
      select owner.owner, paid.* from (select distinct owner from pair where joint) owner cross join lateral (
        select p.payer, p.token, d.start_at, d.amount - d.self_facilitated_amount as others
        from pair p
        join base.payer_day d on d.chain_id = ${chainId} and d.payee = p.payee and d.token = p.token
          and d.payer = p.payer and d.start_at < ${midnight}
        where p.owner = owner.owner and p.joint and not p.left_out
        limit ${mostDays + 1}
      ) paid
    ), bounded as (
      select owner, payer, token, case when left_out then 0 else capped + least(others, ${cap}) end as organic
      from pair where left_out or not joint
      union all
      -- one cap for all of an operator's payees
      select owner, payer, token, least(sum(others), ${cap}) from (
        select owner, payer, token, start_at, others from joint_day
        union all
        select owner, payer, token, ${midnight}::bigint, others from pair where joint and not left_out
      ) paid group by owner, payer, token, start_at
    ), unknown as materialized (
      select owner from crowded
      union select owner from joint_day group by owner having count(*) > ${mostDays}
    ), part (owner, token, raw, payments, payers, organic, squares) as (
      select owner, token, amount_so_far, payments_so_far, payers_so_far, capped_so_far, capped_squares_so_far from closed
      union all
      select owner, token, amount, payments, 0, 0, 0 from today
      union all
      select owner, token, 0, 0, -1, -capped, -capped * capped from before
      union all
      select owner, token, 0, 0, 1, sum(organic), sum(organic) ^ 2 from bounded group by owner, payer, token
    )
    select owner, token, sum(raw) as raw, sum(payments)::bigint as payments,
      case when owner not in (select owner from crowded) then sum(payers)::bigint end as payers,
      case when is_known then sum(organic) end as organic,
      case when is_known then round(sum(organic) * sum(organic) / nullif(sum(squares), 0), 4)::float8 end
        as "effectivePayers"
    from part cross join lateral (
      select ${cap} is not null and owner not in (select owner from unknown) as is_known
    ) organic
    group by owner, token, is_known
    union all
    select owner, null, null, null, case when owner not in (select owner from crowded) then sum(payers)::bigint end, null, null
    from (
      select owner, new_payers_so_far as payers from closed
      union all
      select owner, -count(distinct (payee, payer)) from before group by owner
      union all
      select owner, count(distinct payer) from pair group by owner
    ) counted group by owner
    order by 1, 2`);
}

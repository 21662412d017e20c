/**
 * Which payments are evidence of demand. A payment is organic unless its payer is its payee, its facilitator, the
 * payee's operator, a registered payment address, a relayer, or an admin: payments cost those nothing.
 */
import { type SQL, sql } from "drizzle-orm";
import { bucketStart, DAY_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { REGISTRATIONS } from "../nodes/nodeState.ts";
import { lastBlockBefore, type Moment } from "../state/moment.ts";

const DEFAULT_ADMIN_ROLE = `0x${"0".repeat(64)}`;

/** Every payment address that a node named, with the node's owner: `payment_address, owner, named_block, named_log_index`. */
export const namedAddresses = ({ chainId, blockNumber }: Moment): SQL => sql`
  named_address as materialized (
    select n.payment_address, n.owner, n.registry, n.registered_block as block, n.registered_log_index as log_index
    from ${REGISTRATIONS} n
    where n.chain_id = ${chainId} and n.registered_block <= ${blockNumber} and n.payment_address is not null
    union
    select o.payment_address, o.owner, o.registry, o.block_number, 2147483647
    from observations.node_record o
    where o.chain_id = ${chainId} and o.block_number <= ${blockNumber} and exists (
      select from ${REGISTRATIONS} n where n.chain_id = ${chainId} and n.registry = o.registry and n.tee_id = o.tee_id
        and n.registered_block <= o.block_number
          and (n.payment_address, n.owner) is distinct from (o.payment_address, o.owner))
  )`;

/**
 * Whether `payer.account` relayed something. Asked as the next relayer in the index's order: a few relayers send
 * everything, and Postgres, expecting to meet any of them soon, would read a whole table to learn of somebody that it is
 * none.
 */
const relayedBy = (table: SQL, blockNumber: number): SQL => sql`exists (
        select from (
          select r.relayer, r.block_number from ${table} r where r.relayer >= payer.account
          order by r.relayer, r.block_number limit 1
        ) next where next.relayer = payer.account and next.block_number <= ${blockNumber})`;

/**
 * A common table expression `insider (account)`: of the payers in the relation `payer (account)`, those whose payments
 * say nothing about demand, whomever they pay. Needs `namedAddresses`.
 */
export const insiders = ({ chainId, blockNumber, time }: Moment): SQL => sql`
  insider as materialized (
    select payer.account from payer where
      exists (select from named_address where payment_address = payer.account)
      or ${relayedBy(sql`og.heartbeat`, blockNumber)}
      or ${relayedBy(sql`og.settlement`, blockNumber)}
      or exists (select from og.role where chain_id = ${chainId} and role = ${DEFAULT_ADMIN_ROLE} and account = payer.account and granted_at <= ${time})
  )`;

/** The relayers of a table with the block of their first row each: jumps along its index from one to the next. */
const relayersOf = (name: SQL, table: SQL): SQL => sql`
  ${name} (relayer, block_number) as (
    (select r.relayer, r.block_number from ${table} r order by r.relayer, r.block_number limit 1)
    union all
    select next.relayer, next.block_number from ${name} cross join lateral (
      select r.relayer, r.block_number from ${table} r where r.relayer > ${name}.relayer
      order by r.relayer, r.block_number limit 1
    ) next
  )`;

/**
 * A common table expression `insider (account)` with everyone who is one and ever paid, whoever the payers asked about: where
 * these are too many to be asked one by one. After `with recursive`, needs `namedAddresses`.
 */
export const everyInsider = (
  { chainId, blockNumber, time }: Moment,
  { chainId: paidOn }: Pick<Moment, "chainId">,
): SQL => sql`
  ${relayersOf(sql`heartbeat_relayer`, sql`og.heartbeat`)},
  ${relayersOf(sql`settlement_relayer`, sql`og.settlement`)},
  insider as materialized (
    select known.account from (
      select payment_address as account from named_address
      union select relayer from heartbeat_relayer where block_number <= ${blockNumber}
      union select relayer from settlement_relayer where block_number <= ${blockNumber}
      union select account from og.role
        where chain_id = ${chainId} and role = ${DEFAULT_ADMIN_ROLE} and granted_at <= ${time}
    ) known
    where (select true from base.payer_day d where d.payer = known.account and d.chain_id = ${paidOn} limit 1)
  )`;

/**
 * Whether what a row of the relation `p` with `payer` and `payee` says is organic, as far as the two decide it: what the
 * payer submitted itself is not. Needs both of the above.
 */
export const isOrganicPair: SQL = sql`(
  p.payer <> p.payee
  and not exists (select from insider where insider.account = p.payer)
  and not exists (select from named_address where named_address.payment_address = p.payee and named_address.owner = p.payer)
)`;

/** Whether a row with `payer`, `payee` and `facilitator` of the relation `p` is organic. */
export const isOrganic: SQL = sql`(p.payer <> p.facilitator and ${isOrganicPair})`;

/**
 * Rows `payee, token, payer, payments, amount, self_facilitated_amount`: what was paid on the moment's own UTC day and up to it.
 * @param payees - a relation with a column `payee`, to which it is narrowed.
 */
export const paidToday = ({ chainId, blockNumber, time }: Moment, payees: SQL): SQL => {
  const today = midnightOf(time);
  return sql`
    select m.payee, m.token, m.payer, count(*) as payments, sum(m.amount) as amount,
      coalesce(sum(m.amount) filter (where m.payer = m.facilitator), 0) as self_facilitated_amount
    from base.payment m
    where m.chain_id = ${chainId} and m.paid_at >= ${today} and m.block_number <= ${blockNumber}
      and m.block_number > ${lastBlockBefore("base", chainId, today)} and m.payee in (select payee from ${payees})
    group by m.payee, m.token, m.payer`;
};

/** The beginning of a second's UTC day. */
export const midnightOf = (time: number): number => bucketStart(time, DAY_SECONDS);

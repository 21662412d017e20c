/** Payers: what one address paid, to whom, and what of it says something about demand. */
import { type SQL, sql } from "drizzle-orm";
import { DAY_SECONDS } from "../../../src/decode/timeBuckets.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { lastBlockBefore, type Moment } from "../state/moment.ts";
import { type AttributionScope, ownAddresses } from "./attribution.ts";
import { type ChannelState, countChannels } from "./channels.ts";
import { insiders, namedAddresses } from "./organic.ts";
import { type DailyOrganicCaps, sumOfKnown, volumes } from "./volumes.ts";

/** What a payer paid in one token. Amounts are decimal strings in base units of `token`. */
export interface Spending {
  readonly token: string;
  readonly raw: string;
  /** Counts for at most one whole token per operator and UTC day; null for tokens without such a bound. */
  readonly organic: string | null;
  readonly payments: number;
}

/** The same to one operator; null stands for all payees that are no operator's. */
export interface OperatorSpending extends Spending {
  readonly operator: string | null;
}

/** The same to one address. What of it is organic is known of an operator only. */
export interface PayeeSpending extends Omit<Spending, "organic"> {
  readonly payee: string;
  readonly operator: string | null;
  /** Unix seconds, midnights in UTC. */
  readonly firstDayAt: number;
  readonly lastDayAt: number;
}

/** Sums are null when there is more to read than `MAX_PAYEE_DAYS`. */
export interface Payer {
  readonly address: string;
  /** Null for one who only funds channels. */
  readonly firstPaidAt: number | null;
  readonly lastPaidAt: number | null;
  /** Whether nothing that it pays is organic; null while OpenGradient cannot be answered from. */
  readonly insider: boolean | null;
  readonly payments: number | null;
  /** In order of the token. */
  readonly spending: readonly Spending[] | null;
  /** Those paid most often; null too while OpenGradient cannot be answered from. */
  readonly operators: readonly OperatorSpending[] | null;
  /** Those paid most often. */
  readonly payees: readonly PayeeSpending[] | null;
  /** Distinct ones. */
  readonly payeeCount: number | null;
  /** Those it funds, by state; null when it funds more than `MAX_CHANNELS`. */
  readonly channels: Readonly<Record<ChannelState, number>> | null;
}

export interface PayerScope extends AttributionScope {
  readonly dailyOrganicCaps: DailyOrganicCaps;
}

/** The most that is read of one payer: days of payees, one for each token. */
export const MAX_PAYEE_DAYS = 100_000;
/** The most channels that are looked at. */
export const MAX_CHANNELS = 10_000;
/** The most entries of `operators` and of `payees`. */
export const MAX_RECIPIENTS = 100;

/** One payer; null when this address never paid and funds no channel. */
export async function findPayer(
  transaction: ReadTransaction,
  base: Moment,
  og: Moment | null,
  address: string,
  scope: PayerScope,
  most = MAX_PAYEE_DAYS,
): Promise<Payer | null> {
  const [seen] = await transaction.rows<{ firstPaidAt: number | null; lastPaidAt: number | null }>(sql`
    select (${paidAt(base, address, sql`asc`)}) as "firstPaidAt", (${paidAt(base, address, sql`desc`)}) as "lastPaidAt"`);
  const channels = await countChannels(transaction, base, address, MAX_CHANNELS);
  const fundsNone = channels !== null && Object.values(channels).every((count) => count === 0);
  if (seen === undefined || (seen.firstPaidAt === null && fundsNone)) return null;
  return {
    address,
    firstPaidAt: seen.firstPaidAt,
    lastPaidAt: seen.lastPaidAt,
    insider: og === null ? null : await isInsider(transaction, og, address),
    ...(await readSums(transaction, base, og, address, scope, most)),
    channels,
  };
}

const paidAt = ({ chainId, blockNumber }: Moment, address: string, way: SQL): SQL => sql`
  select paid_at from base.payment
  where payer = ${address} and block_number <= ${blockNumber} and chain_id = ${chainId}
  order by block_number ${way}, log_index ${way} limit 1`;

async function isInsider(transaction: ReadTransaction, og: Moment, address: string): Promise<boolean> {
  const rows = await transaction.rows<{ account: string }>(sql`
    with payer (account) as (values (${address})), ${namedAddresses(og)}, ${insiders(og)}
    select account from insider`);
  return rows.length > 0;
}

type Sums = Pick<Payer, "payments" | "spending" | "operators" | "payees" | "payeeCount">;
const UNKNOWN: Sums = { payments: null, spending: null, operators: null, payees: null, payeeCount: null };

interface PayeeRow extends Omit<PayeeSpending, "raw"> {
  readonly raw: bigint;
  readonly payeeCount: number;
}

interface OperatorRow extends Omit<OperatorSpending, "raw" | "organic"> {
  readonly raw: bigint;
  readonly organic: bigint | null;
}

async function readSums(
  transaction: ReadTransaction,
  base: Moment,
  og: Moment | null,
  address: string,
  scope: PayerScope,
  most: number,
): Promise<Sums> {
  const paid = paidBy(base, og, address, scope, most);
  const [bound] = await transaction.rows<{ rows: number }>(sql`${paid} select count(*) as rows from p`);
  if (bound === undefined || bound.rows > most) return UNKNOWN;
  const payees = await transaction.rows<PayeeRow>(sql`
    ${paid}, payee as materialized (
      select payee, operator, token, sum(amount) as raw, sum(payments)::bigint as payments, min(start_at) as first_day_at,
        max(start_at) as last_day_at
      from p group by payee, operator, token
    )
    select payee, operator, token, raw, payments, first_day_at as "firstDayAt", last_day_at as "lastDayAt",
      (select count(distinct payee) from payee) as "payeeCount"
    from payee order by payments desc, payee, token limit ${MAX_RECIPIENTS}`);
  const operators = await transaction.rows<OperatorRow>(
    og === null
      ? sql`${paid} select null::text as operator, token, sum(amount) as raw, null::numeric as organic,
          sum(payments)::bigint as payments
          from p group by token order by token`
      : sql`${paid}, payer as (select distinct payer as account from p), ${insiders(og)}, ${volumes(scope.dailyOrganicCaps)}
          select place as operator, token, raw, organic, payments::bigint as payments
          from per_payer order by payments desc, operator nulls last, token`,
  );
  return {
    payments: operators.reduce((sum, { payments }) => sum + payments, 0),
    spending: perToken(operators),
    operators:
      og === null
        ? null
        : operators.slice(0, MAX_RECIPIENTS).map(({ operator, token, raw, organic, payments }) => ({
            operator,
            token,
            raw: raw.toString(),
            organic: organic?.toString() ?? null,
            payments,
          })),
    payees: payees.map(({ payee, operator, token, raw, payments, firstDayAt, lastDayAt }) => ({
      payee,
      operator,
      token,
      raw: raw.toString(),
      payments,
      firstDayAt,
      lastDayAt,
    })),
    payeeCount: payees[0]?.payeeCount ?? 0,
  };
}

function perToken(rows: readonly OperatorRow[]): readonly Spending[] {
  const tokens = [...new Set(rows.map(({ token }) => token))].sort();
  return tokens.map((token) => {
    const own = rows.filter((row) => row.token === token);
    return {
      token,
      raw: own.reduce((sum, { raw }) => sum + raw, 0n).toString(),
      organic: sumOfKnown(own.map((row) => row.organic))?.toString() ?? null,
      payments: own.reduce((sum, { payments }) => sum + payments, 0),
    };
  });
}

/**
 * Common table expressions that end in `p (place, operator, payer, payee, token, start_at, payments, amount,
 * self_facilitated_amount)`: what one payer paid up to the moment by the day, with whose the payee is, at most a row too
 * many of each kind. The moment's own day is read from its payments when others came after it.
 */
function paidBy(
  { chainId, blockNumber, time }: Moment,
  og: Moment | null,
  address: string,
  scope: PayerScope,
  most: number,
): SQL {
  const today = time - (time % DAY_SECONDS);
  const owners =
    og === null
      ? sql`own_address (payment_address, owner) as (select null::text, null::text where false)`
      : sql`${namedAddresses(og)}, ${ownAddresses(scope)}`;
  return sql`
    with ${owners},
    later as materialized (
      select exists (
        select from base.payment where payer = ${address} and block_number > ${blockNumber} and chain_id = ${chainId}
      ) as paid
    ), paid as (
      (select payee, token, start_at, payments, amount, self_facilitated_amount from base.payer_day
        where payer = ${address} and chain_id = ${chainId}
          and start_at < (select case when later.paid then ${today}::bigint else ${today + DAY_SECONDS}::bigint end from later)
        limit ${most + 1})
      union all
      (select payee, token, ${today}::bigint, 1, amount, case when payer = facilitator then amount else 0 end
        from base.payment
        where payer = ${address} and chain_id = ${chainId} and block_number <= ${blockNumber} and paid_at >= ${today}
          and block_number > ${lastBlockBefore("base", chainId, today)} and (select later.paid from later)
        limit ${most + 1})
    ), p as materialized (
      select own_address.owner as place, own_address.owner as operator, ${address}::text as payer, paid.*
      from paid left join own_address on own_address.payment_address = paid.payee
    )`;
}

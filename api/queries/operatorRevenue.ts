/** What operators' payment addresses took in. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import { type Operator, type OperatorScope, readOwnAddresses } from "./operators.ts";
import { everyInsider, namedAddresses, paidDays } from "./organic.ts";
import { volumes } from "./volumes.ts";

/** Volumes are decimal strings in base units of `token`. */
export interface Revenue {
  readonly token: string;
  readonly raw: string;
  /** Counts a payer for at most one whole token a day; null for tokens without such a bound. */
  readonly organic: string | null;
  readonly payments: number;
  readonly payers: number;
  /** (Σv)² / Σv² over the payers' organic volumes; null without any. */
  readonly effectivePayers: number | null;
}

export interface OperatorDemand {
  /** Null while Base cannot be answered from. */
  readonly revenue: readonly Revenue[] | null;
  /** Distinct ones over all tokens. */
  readonly payers: number | null;
}

/** The operators with what they took in: dear to read, so that only who asks for it pays for it. */
export async function withDemand(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment | null,
  scope: OperatorScope,
  operators: readonly Operator[],
): Promise<readonly (Operator & OperatorDemand)[]> {
  const addresses = operators.map(({ address }) => address);
  const demands = await readDemands(transaction, og, base, scope, addresses);
  return operators.map((operator, index) => ({ ...operator, ...(demands[index] ?? UNKNOWN) }));
}

const UNKNOWN: OperatorDemand = { revenue: null, payers: null };

/** What each address took in as an operator, in the order of the addresses. */
export async function readDemands(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment | null,
  scope: OperatorScope,
  addresses: readonly string[],
): Promise<readonly OperatorDemand[]> {
  if (base === null || addresses.length === 0) return addresses.map(() => UNKNOWN);
  const own = await readOwnAddresses(transaction, og, scope, addresses);
  const rows = await readRevenues(transaction, og, base, scope, own);
  return addresses.map((address) => {
    const mine = rows.filter(({ owner }) => owner === address);
    return {
      revenue: mine.flatMap(({ owner: _, token, raw, organic, payments, ...row }) =>
        token === null
          ? []
          : [
              {
                token,
                raw: String(raw),
                organic: organic?.toString() ?? null,
                payments: Number(payments),
                ...row,
              },
            ],
      ),
      payers: mine.find(({ token }) => token === null)?.payers ?? 0,
    };
  });
}

interface RevenueRow {
  owner: string;
  /** Null in the row that counts an operator's payers over all tokens. */
  token: string | null;
  raw: bigint | null;
  organic: bigint | null;
  payments: number | null;
  payers: number;
  effectivePayers: number | null;
}

/** @param own - whose payments are whose, by payment address. */
async function readRevenues(
  transaction: ReadTransaction,
  og: Moment,
  base: Moment,
  { dailyOrganicCaps }: OperatorScope,
  own: ReadonlyMap<string, string>,
): Promise<readonly RevenueRow[]> {
  if (own.size === 0) return [];
  const payees = sql.join(
    [...own].map(([address, owner]) => sql`(${address}, ${owner})`),
    sql`, `,
  );
  return transaction.rows<RevenueRow>(sql`
    with recursive ${namedAddresses(og)}, ${everyInsider(og, base)},
    own_payee (payee, owner) as (values ${payees}),
    p as (
      select own_payee.owner as place, own_payee.owner as operator, d.*
      from (${paidDays(base, sql`own_payee`)}) d join own_payee on own_payee.payee = d.payee
    ), ${volumes(dailyOrganicCaps)}
    select place as owner, token, raw, organic, payments, payers, effective_payers as "effectivePayers" from volume
    union all
    select place, null, null, null, null, count(distinct payer), null from per_payer group by place
    order by 1, 2`);
}

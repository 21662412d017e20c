/** What operators' payment addresses took in. */
import { sql } from "drizzle-orm";
import { ownAddresses } from "../payments/attribution.ts";
import { readRevenues } from "../payments/revenueTotals.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import type { Operator, OperatorScope } from "./operators.ts";

/** Volumes are decimal strings in base units of `token`. */
export interface Revenue {
  readonly token: string;
  readonly raw: string;
  /** Counts a payer for at most one whole token a day; null for tokens without such a bound, and like `payers`. */
  readonly organic: string | null;
  readonly payments: number;
  /** Distinct ones; null when more than `MAX_JOINT_PAYERS` paid several of the operator's addresses. */
  readonly payers: number | null;
  /** (Σv)² / Σv² over the payers' organic volumes; null without any. */
  readonly effectivePayers: number | null;
}

export interface OperatorDemand {
  /** Null while Base cannot be answered from. */
  readonly revenue: readonly Revenue[] | null;
  /** Distinct ones over all tokens; null like a token's too. */
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
  const payees = sql`
    with ${ownAddresses(scope)} select payment_address, owner from own_address where owner in ${[...addresses]}`;
  const rows = await readRevenues(transaction, og, base, scope.dailyOrganicCaps, payees);
  return addresses.map((address) => {
    const mine = rows.filter(({ owner }) => owner === address);
    const total = mine.find(({ token }) => token === null);
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
      payers: total === undefined ? 0 : total.payers,
    };
  });
}

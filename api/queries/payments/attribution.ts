/** Whose payments are whose: a payment names an address, and an address belongs to at most one operator. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import { namedAddresses } from "./organic.ts";

export interface AttributionScope {
  /** Addresses that many operators may name: payments to them are nobody's own once several do. */
  readonly commonPayees: readonly string[];
}

/**
 * A common table expression `own_address (payment_address, owner)`. An address belongs to the operator whose node named it
 * first, so that naming somebody else's takes nothing from them; a common payee that several name is nobody's. Needs
 * `namedAddresses`.
 */
export const ownAddresses = ({ commonPayees }: AttributionScope): SQL => sql`
  own_address as materialized (
    select distinct on (payment_address) payment_address, owner from named_address a
    where ${
      commonPayees.length === 0
        ? sql`true`
        : sql`a.payment_address not in ${[...commonPayees]} or 1 = (
            select count(distinct b.owner) from named_address b where b.payment_address = a.payment_address)`
    }
    order by payment_address, block, log_index, owner
  )`;

/** The own addresses of some operators: the owner by address. */
export async function readOwnAddresses(
  transaction: ReadTransaction,
  og: Moment,
  scope: AttributionScope,
  owners: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await transaction.rows<{ paymentAddress: string; owner: string }>(sql`
    with ${namedAddresses(og)}, ${ownAddresses(scope)}
    select payment_address as "paymentAddress", owner from own_address where owner in ${[...owners]}
    order by payment_address`);
  return new Map(rows.map(({ paymentAddress, owner }) => [paymentAddress, owner]));
}

/** What tokens say of themselves, as far as the chain told it. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";

export interface Token {
  readonly address: string;
  /** Sanitised; null when the contract has none that can be read, or was not asked yet. */
  readonly symbol: string | null;
  readonly decimals: number | null;
}

/** In the order of the addresses. */
export async function readTokens(
  transaction: ReadTransaction,
  chainId: number,
  addresses: readonly string[],
): Promise<readonly Token[]> {
  if (addresses.length === 0) return [];
  const rows = await transaction.attempt<Token>(sql`
    select address, symbol, decimals from observations.token
    where chain_id = ${chainId} and address = any(${sql.param([...addresses])}::text[])`);
  const known = new Map((rows ?? []).map((token) => [token.address, token]));
  return addresses.map((address) => known.get(address) ?? { address, symbol: null, decimals: null });
}

/** How far the verifier is behind the chain. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { ProofTables } from "../state/proofTables.ts";

export interface VerifierBacklog {
  /** Settlements on chain without a verdict. */
  readonly pending: number;
  /** Block time of the oldest of them, unix seconds; null without any. */
  readonly oldestAt: number | null;
}

/**
 * From sums and the ends of indexes, whatever the number of settlements. The oldest is looked for among those that the
 * verifier waits for a blob of, and behind the newest that it has seen: it takes them in the order of the chain.
 * @returns null while the chain's tables are not published.
 */
export async function readVerifierBacklog(
  transaction: ReadTransaction,
  proofs: ProofTables,
  chainId: number,
): Promise<VerifierBacklog | null> {
  const rows = await transaction.attempt<VerifierBacklog>(sql`
    with seen as (
      select p.block_number, p.log_index from ${proofs.settled} p where p.chain_id = ${chainId}
      order by p.block_number desc, p.log_index desc limit 1
    )
    select greatest(0, (
        select coalesce(sum(b.individual_settlements + b.batch_settlements), 0) from og.network_bucket b
        where b.chain_id = ${chainId}
      ) - (
        select coalesce(sum(b.verified + b.partial + b.invalid + b.unavailable), 0) from ${proofs.relayerBucket} b
      ))::bigint as pending,
      least((
        select p.settled_at from ${proofs.settled} p where p.verdict = 'pending'
        order by p.block_number, p.log_index limit 1
      ), (
        select s.settled_at from og.settlement s
        where s.chain_id = ${chainId} and s.kind in ('individual', 'batch') and (s.block_number, s.log_index) >
          (coalesce((select block_number from seen), -1), coalesce((select log_index from seen), -1))
        order by s.block_number, s.log_index limit 1
      )) as "oldestAt"`);
  return rows?.[0] ?? null;
}

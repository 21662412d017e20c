/** Totals of everything, now. */
import { sql } from "drizzle-orm";
import type { ReadTransaction } from "./database.ts";
import type { Moment } from "./moment.ts";
import {
  inRegistries,
  joinObservations,
  joinPcr,
  joinRegistration,
  joinStatus,
  type NodeStatus,
  pcrRecords,
  recordColumn,
} from "./nodeState.ts";
import { countByStatus, type NodeCounts } from "./operators.ts";
import { allOf } from "./page.ts";
import { anythingFound, type ProofTables } from "./proofs.ts";

/** What Base has is null while it cannot be answered from. */
export interface NetworkTotals {
  readonly nodes: NodeCounts;
  readonly operators: number;
  readonly heartbeats: number;
  readonly settlements: {
    readonly individual: number;
    readonly batch: number;
    readonly legacy: number;
    /** Sum of the relayers' `batchSize` claims. */
    readonly claimedLeaves: number;
  };
  readonly onchainInferences: number;
  /** Distinct ones, with a valid signature of a node registered by then; null before any verifier ran. */
  readonly inferences: number | null;
  readonly payments: number | null;
  readonly payers: number | null;
  readonly volume:
    | readonly { readonly token: string; readonly raw: string; readonly organic: string | null }[]
    | null;
}

/** @param registries - of nodes, operators and heartbeats; the rest is the whole network's. Null means every one. */
export async function readNetwork(
  transaction: ReadTransaction,
  proofs: ProofTables,
  og: Moment,
  base: Moment | null,
  registries: readonly string[] | null,
): Promise<NetworkTotals> {
  const inScope = allOf([sql`n.chain_id = ${og.chainId}`, ...inRegistries(registries)]);
  const nodes = await transaction.rows<{ status: NodeStatus; count: number }>(sql`
    with ${pcrRecords(og)}
    select state.status, count(*) as count
    from og.node n ${joinRegistration(og)} ${joinObservations(og)} ${joinPcr(og)} ${joinStatus(og)}
    where ${inScope} group by state.status order by state.status`);
  const [operators] = await transaction.rows<{ count: number }>(sql`
    select count(distinct ${recordColumn("owner")}) as count
    from og.node n ${joinRegistration(og)} ${joinObservations(og)} where ${inScope}`);
  const [sums] = await transaction.rows<Record<string, number>>(sql`
    select coalesce(sum(individual_settlements), 0)::bigint as individual,
      coalesce(sum(batch_settlements), 0)::bigint as batch,
      coalesce(sum(legacy_settlements), 0)::bigint as legacy,
      coalesce(sum(claimed_leaves), 0)::bigint as "claimedLeaves",
      coalesce(sum(onchain_inferences), 0)::bigint as "onchainInferences"
    from og.network_bucket where chain_id = ${og.chainId}`);
  const [beats] = await transaction.rows<{ heartbeats: number }>(sql`
    select coalesce(sum(n.heartbeats), 0)::bigint as heartbeats from og.node_liveness n where ${inScope}`);
  const [inferred] = await transaction.rows<{ inferences: number }>(sql`
    select coalesce(sum(b.inferences), 0)::bigint as inferences from ${proofs.nodeBucket} b`);
  const demand =
    base === null ? { payments: null, payers: null, volume: null } : await readDemand(transaction, base);
  return {
    nodes: countByStatus(nodes),
    operators: operators?.count ?? 0,
    heartbeats: beats?.heartbeats ?? 0,
    settlements: {
      individual: sums?.individual ?? 0,
      batch: sums?.batch ?? 0,
      legacy: sums?.legacy ?? 0,
      claimedLeaves: sums?.claimedLeaves ?? 0,
    },
    onchainInferences: sums?.onchainInferences ?? 0,
    inferences: anythingFound(proofs) ? (inferred?.inferences ?? 0) : null,
    ...demand,
  };
}

async function readDemand(transaction: ReadTransaction, { chainId }: Moment) {
  const tokens = await transaction.rows<{ token: string; payments: number; raw: bigint }>(sql`
    select token, sum(payments)::bigint as payments, sum(amount) as raw
    from base.token_bucket where chain_id = ${chainId} group by token order by token`);
  // Jumps along the index from payer to payer: there are far fewer of them than payments.
  const [payers] = await transaction.rows<{ count: number }>(sql`
    with recursive payer as (
      (select payer from base.payment order by payer limit 1)
      union all
      select (select p.payer from base.payment p where p.payer > payer.payer order by p.payer limit 1)
      from payer where payer.payer is not null
    )
    select count(payer) as count from payer`);
  return {
    payments: tokens.reduce((sum, { payments }) => sum + payments, 0),
    payers: payers?.count ?? 0,
    volume: tokens.map(({ token, raw }) => ({ token, raw: raw.toString(), organic: null })),
  };
}

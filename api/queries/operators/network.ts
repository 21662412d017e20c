/** Totals of everything at a moment. */
import { sql } from "drizzle-orm";
import { networkHours } from "../metrics/networkHours.ts";
import { type InferenceTotals, NO_INFERENCES } from "../metrics/nodeProofs.ts";
import {
  inRegistries,
  joinObservations,
  joinPcr,
  joinRegistration,
  joinStatus,
  type NodeStatus,
  pcrRecords,
  REGISTRATIONS,
  recordColumn,
} from "../nodes/nodeState.ts";
import { type HeartbeatMaxAge, readHeartbeatMaxAge } from "../nodes/precision.ts";
import { ownAddresses } from "../payments/attribution.ts";
import { readRevenues } from "../payments/revenueTotals.ts";
import { readTokens, type Token } from "../payments/tokens.ts";
import { sumOfKnown, type Volume } from "../payments/volumes.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { allOf } from "../reading/page.ts";
import { clampedSum } from "../state/countedInferences.ts";
import { hourSums, hoursThen, isUnchanged } from "../state/hoursThen.ts";
import type { Moment } from "../state/moment.ts";
import { hasVerifierResults, type ProofTables } from "../state/proofTables.ts";
import { countByStatus, type NodeCounts, type OperatorScope } from "./operators.ts";

/** What Base has is null while it cannot be answered from. */
export interface NetworkTotals {
  readonly nodes: NodeCounts;
  readonly operators: number;
  readonly heartbeats: number;
  /** Null for several registries, which have one each, and before the registry's first event. */
  readonly heartbeatMaxAge: HeartbeatMaxAge | null;
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
  /** Of `inferences`, by what their payloads claim; null when there are some and none claims any. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Distinct ones that payloads name. */
  readonly models: number | null;
  readonly payments: number | null;
  readonly payers: number | null;
  /** In order of the token. */
  readonly volume: readonly Omit<Volume, "effectivePayers">[] | null;
  /** Those of `volume`. */
  readonly tokens: readonly Token[] | null;
}

/** @param scope - its registries are those of nodes, operators and heartbeats; the rest is the whole network's. */
export async function readNetwork(
  transaction: ReadTransaction,
  proofs: ProofTables,
  og: Moment,
  base: Moment | null,
  scope: OperatorScope,
): Promise<NetworkTotals> {
  const { registries } = scope;
  const [registry, ...others] = registries ?? [];
  const inScope = allOf([sql`n.chain_id = ${og.chainId}`, ...inRegistries(registries)]);
  const nodes = await transaction.rows<{ status: NodeStatus; count: number }>(sql`
    with ${pcrRecords(og)}
    select state.status, count(*) as count
    from ${REGISTRATIONS} n ${joinRegistration(og)} ${joinObservations(og)} ${joinPcr(og)} ${joinStatus(og)}
    where ${inScope} group by state.status order by state.status`);
  const [operators] = await transaction.rows<{ count: number }>(sql`
    select count(distinct ${recordColumn("owner")}) as count
    from ${REGISTRATIONS} n ${joinRegistration(og)} ${joinObservations(og)} where ${inScope}`);
  const [sums] = await transaction.rows<Record<string, number>>(sql`
    select coalesce(sum(individual_settlements), 0)::bigint as individual,
      coalesce(sum(batch_settlements), 0)::bigint as batch,
      coalesce(sum(legacy_settlements), 0)::bigint as legacy,
      coalesce(sum(claimed_leaves), 0)::bigint as "claimedLeaves",
      coalesce(sum(onchain_inferences), 0)::bigint as "onchainInferences"
    from ${networkHours(og)} hour`);
  const [beats] = await transaction.rows<{ heartbeats: number }>(sql`
    select (
      (select coalesce(sum(n.heartbeats), 0) from og.node_liveness n where ${inScope})
      - (select count(*) from og.heartbeat n where ${inScope} and n.block_number > ${og.blockNumber})
    )::bigint as heartbeats`);
  const found = hasVerifierResults(proofs) ? await readInferences(transaction, proofs, og) : NOTHING_FOUND;
  const demand =
    base === null
      ? { payments: null, payers: null, volume: null, tokens: null }
      : await readDemand(transaction, og, base, scope);
  return {
    nodes: countByStatus(nodes),
    operators: operators?.count ?? 0,
    heartbeats: beats?.heartbeats ?? 0,
    heartbeatMaxAge:
      registry === undefined || others.length > 0
        ? null
        : await readHeartbeatMaxAge(transaction, og, registry),
    settlements: {
      individual: sums?.individual ?? 0,
      batch: sums?.batch ?? 0,
      legacy: sums?.legacy ?? 0,
      claimedLeaves: sums?.claimedLeaves ?? 0,
    },
    onchainInferences: sums?.onchainInferences ?? 0,
    ...found,
    ...demand,
  };
}

const NOTHING_FOUND = { inferences: null, promptTokens: null, completionTokens: null, models: null };

async function readInferences(transaction: ReadTransaction, proofs: ProofTables, og: Moment) {
  const [sums] = await transaction.rows<InferenceTotals>(sql`
    with ${hoursThen(proofs, og, "tee_id")}
    select coalesce(sum(b.inferences), 0)::bigint as inferences,
      ${clampedSum(sql`b.prompt_tokens`)} as "promptTokens", ${clampedSum(sql`b.completion_tokens`)} as "completionTokens"
    from ${hourSums(proofs, og, "tee_id")} b`);
  // Jumps along the index from model to model.
  const [models] = await transaction.rows<{ count: number }>(sql`
    with recursive model (name) as (
      (select b.model from ${proofs.modelBucket} b order by b.model limit 1)
      union all
      select (select b.model from ${proofs.modelBucket} b where b.model > model.name order by b.model limit 1)
      from model where model.name is not null
    ), ${hoursThen(proofs, og, "model")}
    select count(*) as count from (
      select name from model where exists (
        select from ${proofs.modelBucket} b where b.model = model.name and ${isUnchanged(proofs, og, "model")})
      union select h.model from hour_then h
    ) named`);
  const { inferences, promptTokens, completionTokens } = sums ?? NO_INFERENCES;
  const told = (tokens: number | null) => (inferences === 0 ? 0 : tokens);
  return {
    inferences,
    promptTokens: told(promptTokens),
    completionTokens: told(completionTokens),
    models: models?.count ?? 0,
  };
}

/** Anyone can be a payee of OPG: of more than so many nothing is known to be organic. */
export const MAX_PAYEES = 20_000;

async function readDemand(transaction: ReadTransaction, og: Moment, base: Moment, scope: OperatorScope) {
  const { chainId } = base;
  const later = sql`p.chain_id = ${chainId} and p.block_number > ${base.blockNumber}`;
  const tokens = await transaction.rows<{ token: string; payments: number; raw: bigint }>(sql`
    select token, sum(payments)::bigint as payments, sum(amount) as raw
    from (
      select token, payments, amount from base.token_bucket where chain_id = ${chainId}
      union all
      select p.token, -1, -p.amount from base.payment p where ${later}
    ) part group by token having sum(payments) > 0 order by token`);
  // From the index of their days alone: every payment has one, and there are far fewer of these.
  const [payers] = await transaction.rows<{ count: number }>(sql`
    select (
      (select count(distinct payer) from base.payer_day)
      - (select count(distinct p.payer) from base.payment p where ${later} and not exists (
          select from base.payment q where q.payer = p.payer and q.block_number <= ${base.blockNumber}))
    )::bigint as count`);
  // What is no operator's own counts as if it were one more operator's.
  const payees = sql`
    with ${ownAddresses(scope)}, paid as materialized (
      select distinct t.payee from base.payee_total t where t.chain_id = ${chainId}
    )
    select paid.payee, coalesce(a.owner, 'nobody') from paid left join own_address a on a.payment_address = paid.payee
    where (select count(*) from paid) <= ${MAX_PAYEES}`;
  const revenues = await readRevenues(transaction, og, base, scope.dailyOrganicCaps, payees);
  const addresses = tokens.map(({ token }) => token);
  return {
    tokens: await readTokens(transaction, chainId, addresses),
    payments: tokens.reduce((sum, { payments }) => sum + payments, 0),
    payers: payers?.count ?? 0,
    volume: tokens.map(({ token, raw }) => {
      const organic = revenues.filter((row) => row.token === token).map((row) => row.organic);
      return {
        token,
        raw: raw.toString(),
        organic: organic.length === 0 ? null : (sumOfKnown(organic)?.toString() ?? null),
      };
    }),
  };
}

/**
 * Where a list of settlements is read from. Rows come in the list's order and only as many as a page takes, so the table
 * that is walked has to hold most of the rows wanted: the chain's for what is common, the verdicts' for what is rare.
 * Joined to it, row by row, is the other one; left to itself Postgres takes three equal columns for a rarity, and joins whole
 * tables.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Moment } from "../state/moment.ts";
import { isVerdictOf, type ProofTables } from "../state/proofTables.ts";
import type { SettlementFilters, SettlementKind, Verdict } from "./settlementFilters.ts";

/** Relations `s` and `p`, a settlement with its verdict, null where there is none yet. */
export interface SettlementSource {
  readonly relations: SQL;
  /** The table that is walked: its columns bound the page. */
  readonly walked: "s" | "p";
  readonly conditions: readonly SQL[];
}

/** The kinds whose events tell a filter's column, and can have a verdict. */
function possibleKinds({ teeId, payer, merkleRoot, verdict }: SettlementFilters): readonly SettlementKind[] {
  const ofVerdict: readonly SettlementKind[] =
    verdict === undefined
      ? ["individual", "batch", "legacy"]
      : verdict === "unverifiable"
        ? ["legacy"]
        : verdict === "unavailable"
          ? ["batch"]
          : ["individual", "batch"];
  return ofVerdict.filter(
    (kind) =>
      ((teeId === undefined && payer === undefined) || kind === "individual") &&
      (merkleRoot === undefined || kind !== "individual"),
  );
}

/** A list is the union of its sources; none when no settlement can meet the filters, which no index would know. */
export function settlementSources(
  proofs: ProofTables,
  moment: Moment,
  filters: SettlementFilters,
): readonly SettlementSource[] {
  const { kind, verdict, inferenceId, txHash, blobId } = filters;
  const kinds = possibleKinds(filters);
  if (kinds.length === 0 || (kind !== undefined && !kinds.includes(kind))) return [];
  if (inferenceId !== undefined) {
    const held = fromVerdicts(ofInference(proofs, inferenceId), verdict);
    return verdict === "unverifiable" ? [] : [held];
  }
  // One transaction's or one blob's settlements are few: whatever their verdict, they are found on chain.
  if (txHash !== undefined || blobId !== undefined) return [fromChain(proofs, hasVerdict(verdict))];
  switch (verdict) {
    case undefined:
      return [fromChain(proofs, [])];
    case "unverifiable":
      return [fromChain(proofs, [sql`s.kind = 'legacy'`])];
    case "verified":
      return [fromChain(proofs, [sql`p.verdict = 'verified'`])];
    case "pending":
      return [fromVerdicts(proofs.settled, verdict), fromChain(proofs, unseen(proofs, moment))];
    default:
      return [fromVerdicts(proofs.settled, verdict)];
  }
}

function hasVerdict(verdict: Verdict | undefined): readonly SQL[] {
  if (verdict === undefined) return [];
  if (verdict === "unverifiable") return [sql`s.kind = 'legacy'`];
  const known = verdict === "pending" ? sql`coalesce(p.verdict, 'pending')` : sql`p.verdict`;
  return [sql`s.kind <> 'legacy'`, sql`${known} = ${verdict}`];
}

/** Settlements on chain, each with its verdict where there is one. */
export const chainWithVerdicts = ({ settled }: ProofTables): SQL => sql`og.settlement s
    left join lateral (select * from ${settled} p where ${isVerdictOf} limit 1) p on true`;

const fromChain = (proofs: ProofTables, conditions: readonly SQL[]): SettlementSource => ({
  relations: chainWithVerdicts(proofs),
  walked: "s",
  conditions,
});

/** Verdicts, each with the settlement on chain that it is of. */
const verdictsWithChain = (verdicts: SQL): SQL => sql`${verdicts} p
    cross join lateral (select * from og.settlement s where ${isVerdictOf} limit 1) s`;

const fromVerdicts = (verdicts: SQL, wanted: Verdict | undefined): SettlementSource => ({
  relations: verdictsWithChain(verdicts),
  walked: "p",
  conditions: wanted === undefined ? [] : [sql`p.verdict = ${wanted}`],
});

/** The verdicts of individual settlements of an inference, and of batches with a leaf of it. */
const ofInference = ({ settled, leaf }: ProofTables, id: string): SQL => sql`(
  select v.* from ${settled} v where v.inference_id = ${id}
  union
  select v.* from ${leaf} l join ${settled} v on v.batch_key = l.batch_key where l.inference_id = ${id})`;

/** A reorg reaches no further back. */
const REORG_BLOCKS = 300;

/**
 * What the verifier has not seen yet. Hours in which it has seen as many as there are on chain are not searched, but for
 * the newest blocks, where a reorg may have put others in their places.
 */
function unseen({ relayerBucket }: ProofTables, { chainId, blockNumber }: Moment): readonly SQL[] {
  const hours = sql`
    select b.start_at from og.network_bucket b
    left join (select r.start_at, sum(r.individuals + r.batches) as seen from ${relayerBucket} r group by 1) r using (start_at)
    where b.chain_id = ${chainId} and b.individual_settlements + b.batch_settlements <> coalesce(r.seen, 0)`;
  const newest = blockNumber - REORG_BLOCKS;
  // null when every hour is seen, which least passes over; -1, hence everything, for an hour before every block
  const before = sql`(
    select case when first.at is not null then coalesce((
      select k.number from og.block k where k.chain_id = ${chainId} and k.timestamp < first.at
      order by k.timestamp desc, k.number desc limit 1), -1) end
    from (select min(hour.start_at) as at from (${hours}) hour) first)`;
  return [
    sql`s.kind in ('individual', 'batch') and p.block_number is null`,
    sql`s.block_number > least(${newest}::bigint, ${before})`,
    sql`(s.block_number > ${newest} or s.settled_at - s.settled_at % 3600 in (${hours}))`,
  ];
}

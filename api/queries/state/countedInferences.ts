/** Which inferences count, and for how much: the sums of whole hours are the verifier's, the rest is counted here. */
import { type SQL, sql } from "drizzle-orm";
import type { Moment, TimeRange } from "./moment.ts";
import { type ProofTables, registeredBefore, verdictsOnChain } from "./proofTables.ts";

/**
 * Whether the inference `i` counts at the moment: a valid signature over it was settled on chain by then, at or after its
 * node's registration. The verifier's sums count by the same rule. True, false or null; a scalar for the reason given at
 * `heldOnChain`.
 */
export function inferenceCounts(proofs: ProofTables, moment: Moment): SQL {
  const verdicts = verdictsOnChain(proofs, moment);
  const registered = registeredBefore(proofs, sql`i.tee_id`);
  return sql`(i.signature_valid and (
    select true from (
      select from ${proofs.leaf} l join ${verdicts} on p.batch_key = l.batch_key
      where l.inference_id = i.id and l.valid and ${registered}
      union all
      select from ${verdicts} join ${proofs.signature} g on g.key = p.signature_key
      where p.inference_id = i.id and g.valid and ${registered}
    ) proof limit 1))`;
}

/** Conditions that put a column inside of a range. */
export const within = (column: SQL, { from, to }: TimeRange): SQL[] => [
  ...(from === undefined ? [] : [sql`${column} >= ${from}`]),
  ...(to === undefined ? [] : [sql`${column} < ${to}`]),
];

/** Tokens are what payloads claim; null when none claims any (`least` alone would skip the null). */
export const clampedSum = (column: SQL): SQL =>
  sql`case when sum(${column}) is not null then least(sum(${column}), ${Number.MAX_SAFE_INTEGER}) end::bigint`;

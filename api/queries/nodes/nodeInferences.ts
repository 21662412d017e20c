/** Inferences of nodes as a sort key: what the list of nodes is ordered by. */
import { type SQL, sql } from "drizzle-orm";
import { HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { allOf } from "../reading/page.ts";
import { inferenceCounts, within } from "../state/countedInferences.ts";
import { hourSums } from "../state/hoursThen.ts";
import type { Moment, TimeRange } from "../state/moment.ts";
import type { ProofTables } from "../state/proofTables.ts";
import { rangeUpTo } from "../state/spans.ts";
import { wholeBuckets } from "../state/wholeBuckets.ts";

/** A scalar: the inferences that count of the node with this id, signed inside of a range. */
function inferencesWithin(proofs: ProofTables, moment: Moment, teeId: SQL, range: TimeRange): SQL {
  const { whole, rest } = wholeBuckets(range, HOUR_SECONDS);
  const parts = [
    sql`(select coalesce(sum(b.inferences), 0) from ${hourSums(proofs, moment, "tee_id")} b
      where b.tee_id = ${teeId} and ${allOf(within(sql`b.start_at`, whole))})`,
    ...rest.map(
      (part) => sql`(select count(*) from ${proofs.inference} i
      where i.tee_id = ${teeId} and ${allOf(within(sql`i.signed_at`, part))} and ${inferenceCounts(proofs, moment)})`,
    ),
  ];
  return sql`(${sql.join(parts, sql` + `)})::bigint`;
}

/**
 * Joins `inferred.total`, the inferences of the node `n` over the last `seconds`; null outside of the registry that
 * settlements belong to. Needs `hoursThen` of nodes.
 */
export const joinInferences = (
  proofs: ProofTables,
  moment: Moment,
  seconds: number,
  settlementRegistry: string,
): SQL => sql`
  cross join lateral (select case when n.registry = ${settlementRegistry}
    then ${inferencesWithin(proofs, moment, sql`n.tee_id`, rangeUpTo(moment, seconds))} end as total) inferred`;

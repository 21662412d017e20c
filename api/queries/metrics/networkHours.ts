/** The network's sums by hour as they were at a moment. */
import { type SQL, sql } from "drizzle-orm";
import { MAX_CLAIMED_LEAVES } from "../../../src/decode/claimedLeaves.ts";
import { bucketStart, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import { lastBlockBefore, type Moment } from "../state/moment.ts";

/**
 * A relation with columns of `network_bucket`: the hours up to the moment's own, less what came after the moment in that
 * hour. Several rows may be of that hour.
 */
export function networkHours(moment: Moment): SQL {
  const { chainId, blockNumber, time } = moment;
  const hour = bucketStart(time, HOUR_SECONDS);
  const later = sql`chain_id = ${chainId} and block_number > ${blockNumber}
    and block_number <= ${lastBlockBefore("og", chainId, hour + HOUR_SECONDS)}`;
  const less = (kind: string, counts = sql`1`) =>
    sql`-coalesce(sum(${counts}) filter (where kind = ${kind}), 0)::bigint`;
  return sql`(
    select start_at, individual_settlements, batch_settlements, legacy_settlements, claimed_leaves, onchain_inferences
    from og.network_bucket where chain_id = ${chainId} and start_at <= ${hour}::bigint
    union all
    select ${hour}::bigint, ${less("individual")}, ${less("batch")}, ${less("legacy")},
      ${less("batch", sql`least(batch_size, ${MAX_CLAIMED_LEAVES})`)}, 0
    from og.settlement where ${later}
    union all
    select ${hour}::bigint, 0, 0, 0, 0, -count(*) from og.onchain_inference where ${later})`;
}

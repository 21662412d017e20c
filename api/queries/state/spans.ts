/** Named stretches of time as stretches of blocks: event tables are ordered by these. */
import { type SQL, sql } from "drizzle-orm";
import type { ChainName } from "../../../config/environment.ts";
import { lastBlockBefore, type Moment, type TimeRange } from "./moment.ts";

/** `[from, to)`, unix seconds; null since the beginning. */
export interface Span {
  readonly name: string;
  readonly from: number | null;
  readonly to: number;
}

/** The `seconds` that end with the moment's own second; null since the beginning. */
export const spanUpTo = ({ time }: Moment, name: string, seconds: number | null): Span => ({
  name,
  from: seconds === null ? null : time + 1 - seconds,
  to: time + 1,
});

/** The same as a range of seconds. */
export const rangeUpTo = ({ time }: Moment, seconds: number | null): TimeRange => ({
  from: seconds === null ? undefined : Math.max(0, time + 1 - seconds),
  to: time + 1,
});

/**
 * A common table expression `span (name, after_block, until_block)`: the spans' rows are those with a block number above
 * `after_block` and up to `until_block`, none after the moment.
 */
export function spanBlocks(
  chain: ChainName,
  { chainId, blockNumber, time }: Moment,
  spans: readonly Span[],
): SQL {
  const lastBefore = (at: SQL) => lastBlockBefore(chain, chainId, at);
  const values = spans.map(({ name, from, to }) => sql`(${name}, ${from}::bigint, ${to}::bigint)`);
  return sql`
  span as materialized (
    select given.name,
      case when given.from_at is null then -1 else ${lastBefore(sql`given.from_at`)} end as after_block,
      case when given.to_at > ${time} then ${blockNumber}::bigint
        else least(${blockNumber}::bigint, ${lastBefore(sql`given.to_at`)}) end as until_block
    from (values ${sql.join(values, sql`, `)}) given (name, from_at, to_at)
  )`;
}

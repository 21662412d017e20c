/** The moment a question is about, as bounds on one chain's rows. */
import { type SQL, sql } from "drizzle-orm";
import type { ChainName } from "../../../config/environment.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { columnOf } from "../reading/page.ts";

/** State after block `blockNumber`, judged at `time` (unix seconds). */
export interface Moment {
  readonly chainId: number;
  readonly blockNumber: number;
  readonly time: number;
}

/**
 * The state at a second that is not after `newest`: after the last block whose timestamp is not later. Blocks without
 * an event of ours changed nothing, so those with one suffice.
 */
export async function momentAt(
  transaction: ReadTransaction,
  chain: ChainName,
  newest: Moment,
  at: number,
): Promise<Moment> {
  if (at >= newest.time) return newest;
  const [row] = await transaction.rows<{ number: number }>(sql`
    select number from ${sql.identifier(chain)}.block
    where chain_id = ${newest.chainId} and timestamp <= ${at} and number <= ${newest.blockNumber}
    order by timestamp desc, number desc limit 1`);
  return { chainId: newest.chainId, blockNumber: row?.number ?? -1, time: at };
}

/** `from` inclusive, `to` exclusive, unix seconds. */
export interface TimeRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The last second that a question may be about, the year 3000: no block has a later time. */
export const MAX_TIME = 32_503_680_000;
export const TIME_RULE = `a time in unix seconds, a whole number from 0 to ${MAX_TIME} (the year 3000)`;

/** What a time that is too large for unix seconds probably is, as the end of a sentence; empty for any other number. */
export function timeInSmallerUnit(time: number): string {
  if (!(time > MAX_TIME)) return "";
  if (time <= MAX_TIME * 1e3) return "; it looks like milliseconds: divide by 1000";
  if (time <= MAX_TIME * 1e6) return "; it looks like microseconds: divide by 1000000";
  if (time <= MAX_TIME * 1e9) return "; it looks like nanoseconds: divide by 1000000000";
  return "";
}

/** The rule that a range's `from` breaks by lying after its `to`; null for a range, and for an empty one. */
export const brokenRangeRule = ({ from, to }: TimeRange): string | null =>
  from !== undefined && to !== undefined && from > to ? `not after to, which is ${to}` : null;

/** The last block before a second, -1 when there is none; blocks without an event of ours changed nothing. A scalar. */
export const lastBlockBefore = (chain: ChainName, chainId: number, at: SQL | number): SQL => sql`coalesce((
      select number from ${sql.identifier(chain)}.block where chain_id = ${chainId} and timestamp < ${at}
      order by timestamp desc, number desc limit 1), -1)`;

/**
 * Conditions that put rows at or before `moment` and inside of a time range. Times become block numbers, because the
 * tables are ordered by these.
 * @param alias - of the rows' table, where the query has several.
 */
export function withinBlocks(
  chain: ChainName,
  moment: Moment,
  { from, to }: TimeRange = {},
  alias?: string,
): SQL[] {
  const column = (name: string) => columnOf(alias, name);
  const lastBefore = (time: number) => lastBlockBefore(chain, moment.chainId, time);
  return [
    sql`${column("chain_id")} = ${moment.chainId}`,
    sql`${column("block_number")} <= ${moment.blockNumber}`,
    ...(from === undefined ? [] : [sql`${column("block_number")} > ${lastBefore(from)}`]),
    ...(to === undefined ? [] : [sql`${column("block_number")} <= ${lastBefore(to)}`]),
  ];
}

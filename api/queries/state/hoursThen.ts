/** The verifier's sums by hour as they were at a moment: of what was settled by then, with today's verdicts. */
import { type SQL, sql } from "drizzle-orm";
import { columnOf } from "../reading/page.ts";
import { clampedSum } from "./countedInferences.ts";
import type { Moment } from "./moment.ts";
import { isNewest, type ProofTables, requireHours } from "./proofTables.ts";

/** Whose sums: a node's, by its id, or a model's, by its name. */
export type SumsOf = "tee_id" | "model";

/** Whether a part `p` of an hour that had begun by the moment came or went after it: the range index finds these. */
export const isChanging = ({ blockNumber, time }: Moment): SQL => sql`
  int8range(p.start_at, greatest(p.start_at, p.from_at, p.until_at), '[]') @> ${time}::bigint
  and (p.from_block > ${blockNumber}::bigint or p.until_block > ${blockNumber}::bigint)`;

/** Whether a part `p` held at the moment. */
const held = ({ blockNumber }: Moment): SQL => sql`
  p.from_block <= ${blockNumber}::bigint and (p.until_block is null or p.until_block > ${blockNumber}::bigint)`;

/**
 * Common table expressions: `changed_hour (tee_id | model, start_at)` for hours that were not yet what they are, and
 * `hour_then`, with the columns of a bucket, for what they were, and for what was settled by then of hours that had not begun.
 * @throws {ApiError} `indexing` while that is not known.
 */
export function hoursThen(proofs: ProofTables, moment: Moment, of: SumsOf): SQL {
  requireHours(proofs, moment);
  if (isNewest(proofs, moment)) return NOTHING_CHANGED[of];
  const { bucketPart } = proofs;
  const key = columnOf("p", of);
  return sql`
  changed_hour as materialized (
    select distinct ${key}, p.start_at from ${bucketPart} p where ${isChanging(moment)} and ${key} is not null
  ), hour_then as materialized (
    select ${key}, p.start_at, sum(p.inferences)::bigint as inferences, ${clampedSum(sql`p.prompt_tokens`)} as prompt_tokens,
      ${clampedSum(sql`p.completion_tokens`)} as completion_tokens
    from (
      select p.* from changed_hour c join ${bucketPart} p on ${key} = ${columnOf("c", of)} and p.start_at = c.start_at
      union all
      select p.* from ${bucketPart} p where p.from_at < p.start_at and p.start_at > ${moment.time} and ${key} is not null
    ) p where ${held(moment)} group by 1, 2
  )`;
}

const noHours = (of: SumsOf): SQL => sql`
  hour_then (${sql.identifier(of)}, start_at, inferences, prompt_tokens, completion_tokens) as (
    select ''::text, 0::bigint, 0::bigint, 0::bigint, 0::bigint where false)`;
const NOTHING_CHANGED: Readonly<Record<SumsOf, SQL>> = { tee_id: noHours("tee_id"), model: noHours("model") };

/** Whether the sums of a bucket `b` are those of the moment; `hour_then` has the others. */
export const isUnchanged = (proofs: ProofTables, moment: Moment, of: SumsOf): SQL =>
  isNewest(proofs, moment)
    ? sql`true`
    : sql`
  b.start_at <= ${moment.time}::bigint
  and (${columnOf("b", of)}, b.start_at) not in (select ${sql.identifier(of)}, start_at from changed_hour)`;

/** The sums of all hours at the moment, with the columns of a bucket; needs `hoursThen`. */
export const hourSums = (proofs: ProofTables, moment: Moment, of: SumsOf): SQL => sql`(
  select ${columnOf("b", of)}, b.start_at, b.inferences, b.prompt_tokens, b.completion_tokens
  from ${of === "model" ? proofs.modelBucket : proofs.nodeBucket} b where ${isUnchanged(proofs, moment, of)}
  union all select * from hour_then)`;

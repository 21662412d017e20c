/** What proofs tell of nodes over the windows that end at a moment, or on one day. */
import { type SQL, sql } from "drizzle-orm";
import { HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import type { ReadTransaction } from "../reading/database.ts";
import { clampedSum, inferenceCounts } from "../state/countedInferences.ts";
import { hoursThen, isUnchanged } from "../state/hoursThen.ts";
import type { Moment, TimeRange } from "../state/moment.ts";
import { joinPayload } from "../state/payloadThen.ts";
import { IMPOSSIBLE_BLOB_ID, isVerdictOf, type ProofTables } from "../state/proofTables.ts";
import { rangeUpTo, spanBlocks, spanUpTo } from "../state/spans.ts";
import { wholeBuckets } from "../state/wholeBuckets.ts";

/** A window `(moment - seconds, moment]`; null since the beginning. */
export interface Window {
  readonly name: string;
  readonly seconds: number | null;
}

/** Inferences and what their payloads claim of tokens: null when there are inferences and none of them claims any. */
export interface InferenceTotals {
  readonly inferences: number;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

/**
 * Inferences per node and window, by `place name`; nodes with the same place are summed.
 * @param wanted - a common table expression `wanted (chain_id, registry, tee_id, place)`.
 */
export async function readInferenceTotals(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  wanted: SQL,
  windows: readonly Window[],
): Promise<ReadonlyMap<string, InferenceTotals>> {
  const splits = windows.map(({ name, seconds }) => ({
    name,
    ...wholeBuckets(rangeUpTo(moment, seconds), HOUR_SECONDS),
  }));
  const whole = splits.map(({ name, whole }) => ({ name, ...bounded(whole) }));
  const rest = splits.flatMap(({ name, rest }) => rest.map((part) => ({ name, ...bounded(part) })));
  const records = (parts: typeof whole) =>
    sql`select * from jsonb_to_recordset(${JSON.stringify(parts)}) part (name text, from_at bigint, to_at bigint)`;
  const sums = (row: SQL) =>
    sql`sum(${row}.prompt_tokens) as prompt_tokens, sum(${row}.completion_tokens) as completion_tokens`;
  const rows = await transaction.rows<InferenceTotals & { place: number; name: string }>(sql`
    with ${wanted}, whole as (${records(whole)}), rest as (${records(rest)}), ${hoursThen(proofs, moment, "tee_id")},
    -- windows end alike: what is left over there is counted once
    counted as materialized (
      select wanted.place, part.from_at, part.to_at, found.*
      from wanted cross join (select distinct from_at, to_at from rest) part
      cross join lateral (
        select count(*) as inferences, ${sums(sql`told`)} from ${proofs.inference} i ${joinPayload(proofs, moment)}
        where i.tee_id = wanted.tee_id and i.signed_at >= part.from_at and i.signed_at < part.to_at
          and ${inferenceCounts(proofs, moment)}
      ) found
    )
    select place, name, sum(inferences)::bigint as inferences,
      ${clampedSum(sql`prompt_tokens`)} as "promptTokens", ${clampedSum(sql`completion_tokens`)} as "completionTokens"
    from (
      select wanted.place, whole.name, found.*
      from wanted cross join whole
      cross join lateral (
        select sum(b.inferences) as inferences, ${sums(sql`b`)} from ${proofs.nodeBucket} b
        where b.tee_id = wanted.tee_id and b.start_at >= whole.from_at and b.start_at < whole.to_at
          and ${isUnchanged(proofs, moment, "tee_id")}
      ) found
      union all
      select wanted.place, whole.name, h.inferences, h.prompt_tokens, h.completion_tokens
      from hour_then h join wanted using (tee_id) join whole on h.start_at >= whole.from_at and h.start_at < whole.to_at
      union all
      select place, name, inferences, prompt_tokens, completion_tokens from counted join rest using (from_at, to_at)
    ) part group by place, name having sum(inferences) > 0 order by place, name`);
  return new Map(rows.map(({ place, name, ...totals }) => [`${place} ${name}`, totals]));
}

const bounded = ({ from, to }: TimeRange) => ({ from_at: from ?? 0, to_at: to ?? Number.MAX_SAFE_INTEGER });

export const NO_INFERENCES: InferenceTotals = { inferences: 0, promptTokens: 0, completionTokens: 0 };

/** A node's availability is that of so many of its newest individual settlements at most: a window cannot cost more. */
export const AVAILABILITY_SAMPLES = 200;

/**
 * Per node and window, by `place name`: of its newest individual settlements whose payload was looked for, the share
 * whose payload could be had. Absent without any.
 * @param wanted - as above.
 * @param samples - see `AVAILABILITY_SAMPLES`.
 */
export async function readPayloadAvailability(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  wanted: SQL,
  windows: readonly Window[],
  samples = AVAILABILITY_SAMPLES,
): Promise<ReadonlyMap<string, number>> {
  const { chainId, blockNumber, time } = moment;
  const spans = windows.map(({ name, seconds }) => spanUpTo(moment, name, seconds));
  const values = sql.join(
    windows.map(({ name, seconds }) => sql`(${name}, ${seconds === null ? 0 : time + 1 - seconds}::bigint)`),
    sql`, `,
  );
  const rows = await transaction.rows<{ place: number; name: string; share: number | null }>(sql`
    with ${wanted}, ${spanBlocks("og", moment, spans)}, w (name, from_at) as (values ${values})
    select wanted.place, w.name,
      round(count(*) filter (where recent.had)::numeric / nullif(count(*), 0), 6)::float8 as share
    from wanted
    cross join lateral (
      select s.settled_at,
        y.state <> 'unavailable' and y.reason is distinct from ${IMPOSSIBLE_BLOB_ID} as had
      from (
        select * from og.settlement s
        where s.chain_id = ${chainId} and s.tee_id = wanted.tee_id and s.kind = 'individual'
          and s.block_number <= ${blockNumber} and s.block_number > (select min(after_block) from span)
        order by s.block_number desc, s.log_index desc limit ${samples}
      ) s
      cross join lateral (select p.payload_key from ${proofs.settled} p where ${isVerdictOf} limit 1) p
      cross join lateral (select y.state, y.reason from ${proofs.payload} y where y.key = p.payload_key limit 1) y
      where y.state <> 'pending'
    ) recent
    join w on recent.settled_at >= w.from_at
    group by wanted.place, w.name order by wanted.place, w.name`);
  return new Map(
    rows.flatMap(({ place, name, share }) => (share === null ? [] : [[`${place} ${name}`, share]])),
  );
}

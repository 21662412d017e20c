/** How long it took from signature to settlement: percentiles over a node's individual settlements, at a bounded cost. */
import { type SQL, sql } from "drizzle-orm";
import type { ReadTransaction } from "../reading/database.ts";
import type { Moment } from "../state/moment.ts";
import { type Span, spanBlocks } from "../state/spans.ts";

/**
 * Up to so many settlements percentiles are exact. Of more, the stretch of blocks from the first to the last is cut into so
 * many equal parts, and the last settlement of each stands for all of its part: the same ones at every question.
 */
export const LATENCY_SAMPLES = 1_000;

/** Block time minus signed time, seconds; a settlement may be signed up to five minutes after its block. */
export interface LatencyPercentiles {
  readonly p50Seconds: number;
  readonly p95Seconds: number;
}

/**
 * Per node and span, by `place name`; absent without settlements. Nodes with the same place are taken together.
 * @param wanted - a common table expression `wanted (chain_id, registry, tee_id, place)`.
 * @param samples - see `LATENCY_SAMPLES`.
 */
export async function readSettlementLatencies(
  transaction: ReadTransaction,
  moment: Moment,
  wanted: SQL,
  spans: readonly Span[],
  samples = LATENCY_SAMPLES,
): Promise<ReadonlyMap<string, LatencyPercentiles>> {
  // No condition on the chain: it is the node's, and the index alone tells everything else.
  const settlements = (after: SQL, until: SQL) => sql`
    og.settlement s where s.tee_id = part.tee_id and s.settlements_so_far is not null
      and s.block_number > ${after} and s.block_number <= ${until}`;
  const seconds = sql`s.settled_at - least(s.signed_at, ${Number.MAX_SAFE_INTEGER})::bigint as seconds`;
  const edge = (way: SQL) => sql`
    cross join lateral (
      select s.block_number, s.settlements_so_far from ${settlements(sql`part.after_block`, sql`part.until_block`)}
      order by s.block_number ${way}, s.log_index ${way} limit 1
    )`;
  const cut = (slice: SQL) => sql`(part.first + (part.last - part.first) * ${slice} / ${samples})`;
  const rows = await transaction.rows<LatencyPercentiles & { place: number; name: string }>(sql`
    with ${wanted}, ${spanBlocks("og", moment, spans)},
    part as materialized (
      select part.place, part.tee_id, part.name, first.block_number - 1 as first, last.block_number as last,
        first.settlements_so_far - 1 as before, last.settlements_so_far - first.settlements_so_far + 1 as total
      from (select wanted.place, wanted.tee_id, span.* from wanted cross join span) part
      ${edge(sql`asc`)} first ${edge(sql`desc`)} last
    ), sampled as (
      select part.place, part.name, s.seconds, 1::bigint as weight
      from part cross join lateral (select ${seconds} from ${settlements(sql`part.first`, sql`part.last`)}) s
      where part.total <= ${samples}
      union all
      select sliced.place, sliced.name, sliced.seconds,
        sliced.so_far - lag(sliced.so_far, 1, sliced.before)
          over (partition by sliced.place, sliced.tee_id, sliced.name order by sliced.slice)
      from (
        select part.place, part.tee_id, part.name, part.before, slice, s.seconds, s.so_far
        from part cross join generate_series(1, ${samples}::bigint) slice cross join lateral (
          select ${seconds}, s.settlements_so_far as so_far from ${settlements(cut(sql`(slice - 1)`), cut(sql`slice`))}
          order by s.block_number desc, s.log_index desc limit 1
        ) s
        where part.total > ${samples}
      ) sliced
    ), ranked as (
      select place, name, seconds, sum(weight) over (partition by place, name order by seconds) as rank,
        sum(weight) over (partition by place, name) as total
      from sampled
    )
    select place, name, min(seconds) filter (where 100 * rank >= 50 * total) as "p50Seconds",
      min(seconds) filter (where 100 * rank >= 95 * total) as "p95Seconds"
    from ranked group by place, name order by place, name`);
  return new Map(
    rows.map(({ place, name, p50Seconds, p95Seconds }) => [`${place} ${name}`, { p50Seconds, p95Seconds }]),
  );
}

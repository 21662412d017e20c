/** Models that inferences were run with, as the payloads of individual settlements tell. */
import { type SQL, sql } from "drizzle-orm";
import { clampedSum, inferenceCounts, splitHours, within } from "./countedInferences.ts";
import type { ReadTransaction } from "./database.ts";
import type { Moment, TimeRange } from "./moment.ts";
import { allOf, beyond, listOrder, type Page, type PageRequest, type SortColumn, toPage } from "./page.ts";
import type { ProofTables } from "./proofs.ts";

export const MODEL_SORTS = ["lastSeenAt", "inferences"] as const;
export type ModelSort = (typeof MODEL_SORTS)[number];

/** Everything but `model` is of the window asked for. */
export interface Model {
  readonly model: string;
  /** Distinct ones with a valid signature of a registered node. */
  readonly inferences: number;
  /** Of those whose payload says so; null when none does. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Distinct nodes that ran it. */
  readonly nodes: number;
  /** By the second of signing; null for a time beyond 2^53-1. */
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
}

type ModelRow = Omit<Model, "firstSeenAt" | "lastSeenAt"> & {
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
};

const ORDER: Readonly<Record<ModelSort, readonly SortColumn[]>> = {
  lastSeenAt: [
    { expression: sql`last.signed_at`, type: "bigint" },
    { expression: sql`total.model collate "C"`, type: "text" },
  ],
  inferences: [
    { expression: sql`total.inferences`, type: "bigint" },
    { expression: sql`total.model collate "C"`, type: "text" },
  ],
};

/** Models, those seen last or most often first. `from` and `to` bound the second of signing. */
export async function listModels(
  transaction: ReadTransaction,
  proofs: ProofTables,
  moment: Moment,
  range: TimeRange,
  sort: ModelSort,
  page: PageRequest,
): Promise<Page<Model>> {
  const counted = allOf([inferenceCounts(proofs, moment), ...within(sql`i.signed_at`, range)]);
  const { hours, rest } = splitHours(range);
  const sources: SQL[] = [
    sql`select b.model, b.inferences, b.prompt_tokens, b.completion_tokens from ${proofs.modelBucket} b
      where ${allOf(within(sql`b.start_at`, hours))}`,
    ...rest.map(
      (part) => sql`select i.model, 1, i.prompt_tokens, i.completion_tokens from ${proofs.inference} i
      where i.model is not null and ${allOf(within(sql`i.signed_at`, part))} and ${inferenceCounts(proofs, moment)}`,
    ),
  ];
  const edge = (way: SQL) => sql`
    cross join lateral (
      select i.signed_at from ${proofs.inference} i where i.model = total.model and ${counted}
      order by i.signed_at ${way}, i.id limit 1
    )`;
  const way = page.direction === "backward" ? sql`asc` : sql`desc`;
  const rows = await transaction.rows<ModelRow>(sql`
    with total as (
      select model, sum(inferences)::bigint as inferences,
        ${clampedSum(sql`prompt_tokens`)} as prompt_tokens, ${clampedSum(sql`completion_tokens`)} as completion_tokens
      from (${sql.join(sources, sql` union all `)}) part group by 1 having sum(inferences) > 0
    ), listed as (
      select total.*, first.signed_at as first_seen, last.signed_at as last_seen
      from total ${edge(sql`asc`)} first ${edge(sql`desc`)} last
      where ${allOf(beyond(page, ORDER[sort]))}
      ${listOrder(page, ORDER[sort])} limit ${page.limit + 1}
    )
    select model, inferences, prompt_tokens as "promptTokens", completion_tokens as "completionTokens",
      first_seen as "firstSeenAt", last_seen as "lastSeenAt", (
        -- jumps along the index from node to node: there are far fewer of them than inferences
        with recursive ran (tee_id) as (
          (select i.tee_id from ${proofs.inference} i where i.model = listed.model order by i.tee_id limit 1)
          union all
          select (select i.tee_id from ${proofs.inference} i
            where i.model = listed.model and i.tee_id > ran.tee_id order by i.tee_id limit 1)
          from ran where ran.tee_id is not null
        )
        select count(*) from ran where exists (
          select from ${proofs.inference} i
          where i.model = listed.model and i.tee_id = ran.tee_id and ${counted})
      ) as nodes
    from listed order by ${sort === "inferences" ? sql`inferences` : sql`last_seen`} ${way}, model collate "C" ${way}`);
  return toPage(
    rows,
    page,
    ({ inferences, lastSeenAt, model }) => [sort === "inferences" ? inferences : lastSeenAt, model],
    ({ firstSeenAt, lastSeenAt, ...row }) => ({
      ...row,
      firstSeenAt: toTime(firstSeenAt),
      lastSeenAt: toTime(lastSeenAt),
    }),
  );
}

/** The verifier clamps signed times to 2^53-1: that one is no time. */
const toTime = (signedAt: number): number | null => (signedAt === Number.MAX_SAFE_INTEGER ? null : signedAt);

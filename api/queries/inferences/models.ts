/** Models that inferences were run with, as the payloads of individual settlements tell. */
import { type SQL, sql } from "drizzle-orm";
import { HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";
import type { ReadTransaction } from "../reading/database.ts";
import {
  allOf,
  beyond,
  listOrder,
  type Page,
  type PageRequest,
  type SortColumn,
  toPage,
} from "../reading/page.ts";
import { clampedSum, inferenceCounts, within } from "../state/countedInferences.ts";
import { type Filters, TIME_RANGE } from "../state/filters.ts";
import { hourSums, hoursThen, isChanging } from "../state/hoursThen.ts";
import { FROM, type ListDefinition } from "../state/list.ts";
import type { Moment, TimeRange } from "../state/moment.ts";
import { isDescribed, joinPayload } from "../state/payloadThen.ts";
import { isNewest, type ProofTables } from "../state/proofTables.ts";
import { wholeBuckets } from "../state/wholeBuckets.ts";
import { settledAhead } from "./inferenceSources.ts";

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
  const { whole, rest } = wholeBuckets(range, HOUR_SECONDS);
  const sources: SQL[] = [
    sql`select b.model, b.inferences, b.prompt_tokens, b.completion_tokens from ${hourSums(proofs, moment, "model")} b
      where ${allOf(within(sql`b.start_at`, whole))}`,
    ...rest.map(
      (part) => sql`select told.model, 1, told.prompt_tokens, told.completion_tokens
      from ${proofs.inference} i ${joinPayload(proofs, moment)}
      where ${isDescribed} and told.model is not null and ${allOf(within(sql`i.signed_at`, part))}
        and ${inferenceCounts(proofs, moment)}`,
    ),
  ];
  // what the index of today's models finds, and what it does not
  const edge = (way: SQL) => sql`
    cross join lateral (
      select signed_at from (
        (select i.signed_at from ${ranThen(proofs, moment, range)} and i.model = total.model
          order by i.signed_at ${way}, i.id limit 1)
        union all
        select o.signed_at from other o where o.model = total.model
      ) found order by signed_at ${way} limit 1
    )`;
  const way = page.direction === "backward" ? sql`asc` : sql`desc`;
  const rows = await transaction.rows<ModelRow>(sql`
    with recursive ${hoursThen(proofs, moment, "model")}, ${otherwiseFound(proofs, moment, range)}, total as (
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
        select count(*) from (
          select tee_id from ran where exists (
            select from ${ranThen(proofs, moment, range)} and i.model = listed.model and i.tee_id = ran.tee_id)
          union select o.tee_id from other o where o.model = listed.model
        ) node
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

const MODEL_FILTERS = { ...TIME_RANGE } as const satisfies Filters;

/** Models in one of their orders. */
export const MODELS: ListDefinition<Model, typeof MODEL_FILTERS, { readonly sort: ModelSort }> = {
  name: "Model",
  sources: FROM.proofs,
  keyTypes: ["position", "text"],
  filters: MODEL_FILTERS,
  read: async (transaction, state, { sort, ...range }, page) =>
    listModels(transaction, state.proofs, await state.og(), range, sort, page),
};

/** The verifier clamps signed times to 2^53-1: that one is no time. */
const toTime = (signedAt: number): number | null => (signedAt === Number.MAX_SAFE_INTEGER ? null : signedAt);

/**
 * Inferences `i` that counted at the moment, with the model that they have today; at an earlier moment than the newest, of those
 * signed by then. Conditions may follow.
 */
const ranThen = (proofs: ProofTables, moment: Moment, range: TimeRange): SQL => {
  const counting = allOf([inferenceCounts(proofs, moment), ...within(sql`i.signed_at`, range)]);
  return isNewest(proofs, moment)
    ? sql`${proofs.inference} i where ${counting}`
    : sql`
  ${proofs.inference} i ${joinPayload(proofs, moment)}
  where told.model = i.model and i.signed_at <= ${moment.time}::bigint and ${counting}`;
};

/**
 * A common table expression `other (model, tee_id, signed_at)`: the few that say they were signed after the moment although
 * they were settled by it, and those that another payload gave another model since.
 */
const otherwiseFound = (proofs: ProofTables, moment: Moment, range: TimeRange): SQL => {
  if (isNewest(proofs, moment))
    return sql`other (model, tee_id, signed_at) as (select ''::text, ''::text, 0::bigint where false)`;
  const found = (relations: SQL, condition: SQL) => sql`
    select told.model, i.tee_id, i.signed_at from ${relations} ${joinPayload(proofs, moment)}
    where told.model is not null
      and ${allOf([condition, inferenceCounts(proofs, moment), ...within(sql`i.signed_at`, range)])}`;
  return sql`
  other as materialized (
    ${found(settledAhead(proofs, moment), sql`i.signed_at > ${moment.time}::bigint`)}
    union
    ${found(
      sql`(
        select distinct p.tee_id, p.start_at from ${proofs.bucketPart} p
        where ${isChanging(moment)} and p.from_block <= ${moment.blockNumber}::bigint and p.model is not null
      ) hour
      join ${proofs.inference} i on i.tee_id = hour.tee_id and i.signed_at >= hour.start_at
        and i.signed_at < hour.start_at + 3600`,
      sql`i.signed_at <= ${moment.time}::bigint and told.model is distinct from i.model`,
    )}
  )`;
};

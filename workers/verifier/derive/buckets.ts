/**
 * Buckets: marked in the transaction that changes what they sum over, summed anew later, never incremented.
 * All functions here need the lock on what is derived (record/transaction.ts).
 */
import type pg from "pg";
import type { NodeHour } from "../check/leafRecords.ts";
import { hourOfColumn, PLACED, placeParameters, type SettlementPlace } from "./verdicts.ts";

const INTO_DIRTY = "insert into proofs.dirty (kind, key, start_at)";
const LARGEST = String(Number.MAX_SAFE_INTEGER);

export async function markNodeHours(client: pg.ClientBase, hours: readonly NodeHour[]): Promise<void> {
  if (hours.length === 0) return;
  await client.query(
    `${INTO_DIRTY} select distinct 'node', u.* from unnest($1::text[], $2::int8[]) u on conflict do nothing`,
    [hours.map(({ teeId }) => teeId), hours.map(({ startAt }) => startAt)],
  );
}

/** The hours of these inferences: of their nodes, and of the models that these are said to have run. */
export async function markInferences(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `${INTO_DIRTY} select distinct 'node', tee_id, ${hourOfColumn("signed_at")} from proofs.inference where id = any($1)
     on conflict do nothing`,
    [ids],
  );
}

/** Every bucket that these settlements count in, before they vanish or after they came. */
export async function markPlaces(client: pg.ClientBase, places: readonly SettlementPlace[]): Promise<void> {
  if (places.length === 0) return;
  await client.query(
    `with t as materialized ${PLACED}
     ${INTO_DIRTY}
     select 'relayer', relayer, ${hourOfColumn("settled_at")} from t
     union
     select 'node', i.tee_id, ${hourOfColumn("i.signed_at")} from t join proofs.inference i on i.id = t.inference_id
     union
     select 'node', i.tee_id, ${hourOfColumn("i.signed_at")}
     from t join proofs.leaf l on l.batch_key = t.batch_key
       join proofs.inference i on i.id = l.inference_id and i.signature_valid
     on conflict do nothing`,
    placeParameters(places),
  );
}

/** Sums over claims of strangers stay within what is read as a number; null when there is none, which `least` would skip. */
const clampedSum = (column: string): string =>
  `case when sum(${column}) is not null then least(sum(${column}), ${LARGEST})::int8 end`;

interface BucketTable {
  readonly table: string;
  readonly of: string;
  /** Columns in the table's order, after what it is of and `start_at`. */
  readonly columns: readonly string[];
  /** Rows of `of`, `start_at` and the columns, for the wanted buckets in `want`; none for an empty bucket. */
  readonly sums: string;
}

/**
 * An inference counts for its node when a valid signature of it was settled at or after the registration `r`. Where it was
 * settled last decides, since only the order matters.
 */
const inferenceSums = (of: string) => ({
  of,
  columns: ["inferences", "prompt_tokens", "completion_tokens"],
  sums: `
    with i as materialized (
      select w.key, w.start_at, i.id, i.prompt_tokens, i.completion_tokens, r.block_number, r.log_index
      from want w join proofs.inference i on i.${of} = w.key and i.signed_at >= w.start_at
          and i.signed_at < w.start_at + 3600
        join proofs.registration r on r.chain_id = $3 and r.tee_id = i.tee_id
      where i.signature_valid),
    in_batches as materialized (
      select i.id, l.batch_key, i.block_number, i.log_index
      from i join proofs.leaf l on l.inference_id = i.id where l.valid),
    last_settled as materialized (
      select batch_key, max(array[block_number, log_index]) as place
      from proofs.settled where chain_id = $3 and batch_key in (select distinct batch_key from in_batches) group by 1),
    counted as materialized (
      select b.id from in_batches b join last_settled s using (batch_key)
      where s.place >= array[b.block_number, b.log_index]
      union
      select i.id from i join proofs.settled t on t.inference_id = i.id and t.chain_id = $3
        join proofs.signature g on g.key = t.signature_key
      where g.valid and (t.block_number, t.log_index) >= (i.block_number, i.log_index))
    select key, start_at, count(*), ${clampedSum("prompt_tokens")}, ${clampedSum("completion_tokens")}
    from i join counted using (id) group by 1, 2`,
});

const verdicts = ["pending", "verified", "partial", "invalid", "unavailable"];
const leafCounts = ["valid_leaves", "invalid_leaves", "unknown_leaves"];

const TABLES = {
  node: { table: "node_bucket", ...inferenceSums("tee_id") },
  model: { table: "model_bucket", ...inferenceSums("model") },
  relayer: {
    table: "relayer_bucket",
    of: "relayer",
    columns: ["individuals", "batches", ...verdicts, ...leafCounts],
    sums: `select w.key, w.start_at, count(*) filter (where t.kind = 'individual'),
        count(*) filter (where t.kind = 'batch'),
        ${verdicts.map((verdict) => `count(*) filter (where t.verdict = '${verdict}')`).join(", ")},
        ${leafCounts.map((column) => `coalesce(sum(t.${column}), 0)::int8`).join(", ")}
      from want w join proofs.settled t on t.chain_id = $3 and t.relayer = w.key and t.settled_at >= w.start_at
        and t.settled_at < w.start_at + 3600
      group by 1, 2`,
  },
} as const satisfies Record<string, BucketTable>;

export type BucketKind = keyof typeof TABLES;

export interface Bucket {
  readonly key: string;
  readonly startAt: number;
}

const bucketParameters = (buckets: readonly Bucket[]) => [
  buckets.map(({ key }) => key),
  buckets.map(({ startAt }) => startAt),
];

/** Sums these buckets anew; an empty one has no row. */
export async function sumBuckets(
  client: pg.ClientBase,
  kind: BucketKind,
  buckets: readonly Bucket[],
  chainId: number,
): Promise<void> {
  if (buckets.length === 0) return;
  const { table, of, columns, sums }: BucketTable = TABLES[kind];
  const all = [of, "start_at", ...columns];
  await client.query(
    `with want as materialized (select * from unnest($1::text[], $2::int8[]) as w(key, start_at)),
     sums(${all.join(", ")}) as (${sums}),
     emptied as (
       delete from proofs.${table} b using want w where b.${of} = w.key and b.start_at = w.start_at
         and not exists (select from sums s where s.${of} = b.${of} and s.start_at = b.start_at))
     insert into proofs.${table} as b (${all.join(", ")}) select * from sums
     on conflict (${of}, start_at) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}
     where (${columns.map((column) => `b.${column}`).join(", ")})
       is distinct from (${columns.map((column) => `excluded.${column}`).join(", ")})`,
    [...bucketParameters(buckets), chainId],
  );
  if (kind === "node") await markModelsOf(client, buckets);
}

/** A model's hour sums over its inferences by all nodes: when a node's hour changes, so may those of its models. */
async function markModelsOf(client: pg.ClientBase, buckets: readonly Bucket[]): Promise<void> {
  await client.query(
    `${INTO_DIRTY}
     select distinct 'model', i.model, w.start_at
     from unnest($1::text[], $2::int8[]) as w(key, start_at)
       join proofs.inference i on i.tee_id = w.key and i.signed_at >= w.start_at and i.signed_at < w.start_at + 3600
     where i.model is not null on conflict do nothing`,
    bucketParameters(buckets),
  );
}

/**
 * Buckets: marked dirty in the transaction that changes their inputs, recomputed later, never incremented.
 * All functions here require the lock on derived tables (record/transaction.ts).
 */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import type { NodeHour } from "../check/leafRecords.ts";
import { BUCKET_PARTS, clampedSum, KEEP_BUCKET_PARTS } from "./bucketParts.ts";
import { hourOfColumn, PLACED, placeParameters, type SettlementPlace } from "./verdicts.ts";

const INTO_DIRTY = "insert into proofs.dirty (kind, key, start_at)";

export async function markNodeHours(client: pg.ClientBase, hours: readonly NodeHour[]): Promise<void> {
  if (hours.length === 0) return;
  await client.query(
    `${INTO_DIRTY} select distinct 'node', u.* from unnest($1::text[], $2::int8[]) u on conflict do nothing`,
    [hours.map(({ teeId }) => teeId), hours.map(({ startAt }) => startAt)],
  );
}

/** Marks the hours of inferences with a valid signature that these batches contain under an invalid or undecided one. */
export async function markHeldInferences(client: pg.ClientBase, batchKeys: readonly Hex[]): Promise<void> {
  if (batchKeys.length === 0) return;
  await client.query(
    `${INTO_DIRTY} select distinct 'node', i.tee_id, ${hourOfColumn("i.signed_at")}
     from proofs.leaf l join proofs.inference i on i.id = l.inference_id
     where l.batch_key = any($1) and l.valid is not true and i.signature_valid on conflict do nothing`,
    [batchKeys],
  );
}

/** Marks the hours of these inferences. */
export async function markInferences(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `${INTO_DIRTY} select distinct 'node', tee_id, ${hourOfColumn("signed_at")} from proofs.inference where id = any($1)
     on conflict do nothing`,
    [ids],
  );
}

/** Marks every bucket that these settlements count in: before they are removed, or after they were added. */
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

interface BucketTable {
  readonly table: string;
  /** The key column: what a bucket belongs to. */
  readonly of: string;
  /** Columns in the table's order, after `of` and `start_at`. */
  readonly columns: readonly string[];
  /** Common table expressions that `sums` builds on. */
  readonly parts?: string;
  /** Selects `of`, `start_at` and the columns for the buckets in `want`; no row for an empty bucket. */
  readonly sums: string;
}

const inferenceSums = (of: string) => ({ of, columns: ["inferences", "prompt_tokens", "completion_tokens"] });

const verdicts = ["pending", "verified", "partial", "invalid", "unavailable"];
const leafCounts = ["valid_leaves", "invalid_leaves", "unknown_leaves"];

const TABLES = {
  node: {
    table: "node_bucket",
    ...inferenceSums("tee_id"),
    parts: `${BUCKET_PARTS}, ${KEEP_BUCKET_PARTS},`,
    sums: `select tee_id, start_at, sum(inferences)::int8, ${clampedSum("prompt_tokens")}, ${clampedSum("completion_tokens")}
      from part where until_block is null group by 1, 2`,
  },
  model: {
    table: "model_bucket",
    ...inferenceSums("model"),
    // over all nodes
    sums: `select w.key, w.start_at, sum(p.inferences)::int8, ${clampedSum("p.prompt_tokens")},
        ${clampedSum("p.completion_tokens")}
      from want w join proofs.bucket_part p on p.model = w.key and p.start_at = w.start_at
      where p.until_block is null group by 1, 2`,
  },
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

/**
 * Recomputes these buckets; an empty one has no row. A node's buckets also rewrite `bucket_part`, from which the models' are
 * summed.
 */
export async function sumBuckets(
  client: pg.ClientBase,
  kind: BucketKind,
  buckets: readonly Bucket[],
  chainId: number,
): Promise<void> {
  if (buckets.length === 0) return;
  const { table, of, columns, parts = "", sums }: BucketTable = TABLES[kind];
  const all = [of, "start_at", ...columns];
  await client.query(
    `with want as materialized (select * from unnest($1::text[], $2::int8[]) as w(key, start_at)),
     ${parts}
     sums(${all.join(", ")}) as (${sums}),
     emptied as (
       delete from proofs.${table} b using want w where b.${of} = w.key and b.start_at = w.start_at
         and not exists (select from sums s where s.${of} = b.${of} and s.start_at = b.start_at))
     insert into proofs.${table} as b (${all.join(", ")}) select * from sums
     on conflict (${of}, start_at) do update set ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}
     where (${columns.map((column) => `b.${column}`).join(", ")})
       is distinct from (${columns.map((column) => `excluded.${column}`).join(", ")})`,
    [...bucketParameters(buckets), ...(kind === "model" ? [] : [chainId])],
  );
}

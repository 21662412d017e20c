/**
 * Derives the verdicts of settlements from the findings about their contents and from their place on chain.
 * All functions here require the lock on derived tables (record/transaction.ts).
 */
import type pg from "pg";
import type { Hex } from "../../../proofs/hex.ts";
import { HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";

/** A settlement's place on chain. */
export interface SettlementPlace {
  readonly chainId: number;
  readonly blockNumber: number;
  readonly logIndex: number;
}

/** For `unnest($1::int4[], $2::int8[], $3::int4[])`. */
export const placeParameters = (places: readonly SettlementPlace[]) => [
  places.map(({ chainId }) => chainId),
  places.map(({ blockNumber }) => blockNumber),
  places.map(({ logIndex }) => logIndex),
];

/** The `settled` rows at the places given as $1, $2 and $3. */
export const PLACED = `(select s.* from unnest($1::int4[], $2::int8[], $3::int4[]) as place(chain_id, block_number, log_index)
  join proofs.settled s using (chain_id, block_number, log_index))`;

export const hourOfColumn = (column: string): string => `${column} - ${column} % ${HOUR_SECONDS}`;

/**
 * - A batch is `verified` when its blob proves as many leaves as the event claims and all of them count, and `partial` when
 *   some do not count or the number differs; otherwise it has its blob's state. A leaf counts as an unknown node's when the
 *   node was not registered by then: a later registration changes nothing.
 * - An individual settlement has its signature's verdict, whatever its blob, and is `partial` when the node was not
 *   registered by then.
 */
const JUDGED = `
  counted as (
    select t.chain_id, t.block_number, t.log_index, count(*)::int4 as leaves,
      count(*) filter (where l.valid and r.tee_id is not null)::int4 as valid,
      count(*) filter (where not l.valid and r.tee_id is not null)::int4 as invalid
    from t join proofs.leaf l on l.batch_key = t.batch_key
      left join proofs.registration r on r.chain_id = t.chain_id and r.tee_id = l.tee_id
        and (r.block_number, r.log_index) <= (t.block_number, t.log_index)
    group by 1, 2, 3),
  judged as (
    select t.chain_id, t.block_number, t.log_index,
      case when b.state <> 'proven' then b.state
        when c.valid = c.leaves and c.leaves = t.batch_size then 'verified' else 'partial' end as verdict,
      case when b.state <> 'proven' then b.reason when c.invalid > 0 then 'invalid-signatures'
        when c.valid < c.leaves then 'unknown-nodes' when c.leaves <> t.batch_size then 'size-mismatch' end as reason,
      b.leaf_count, c.valid, c.invalid, c.leaves - c.valid - c.invalid as unknown, b.latest_signed_at as signed_at
    from t join proofs.batch b on b.key = t.batch_key left join counted c using (chain_id, block_number, log_index)
    union all
    select t.chain_id, t.block_number, t.log_index,
      case when not g.valid then 'invalid' when g.valid is null and k.tee_id is not null then 'pending'
        when r.tee_id is null then 'partial' when g.valid then 'verified' else 'pending' end,
      case when not g.valid then 'invalid-signature' when g.valid is null and k.tee_id is not null then null
        when r.tee_id is null then 'unknown-node' when g.valid is null then 'unknown-key' end,
      null, null, null, null, t.signed_at
    from t join proofs.signature g on g.key = t.signature_key
      left join proofs.node_key k on k.tee_id = g.tee_id
      left join proofs.registration r on r.chain_id = t.chain_id and r.tee_id = g.tee_id
        and (r.block_number, r.log_index) <= (t.block_number, t.log_index))`;

/** The revision after this transaction, which advances it once, at the end. */
const NEXT_REVISION = "coalesce((select value from proofs.revision where id = 1), 0) + 1";

/**
 * Derives the verdicts at these places again. Those that change get the new revision, and the affected relayers' buckets are
 * marked.
 */
export async function deriveVerdicts(
  client: pg.ClientBase,
  places: readonly SettlementPlace[],
): Promise<void> {
  if (places.length === 0) return;
  await client.query(
    `with t as materialized ${PLACED}, ${JUDGED},
     changed as (
       update proofs.settled s set verdict = j.verdict, reason = j.reason, leaf_count = j.leaf_count,
         valid_leaves = j.valid, invalid_leaves = j.invalid, unknown_leaves = j.unknown, signed_at = j.signed_at,
         revision = ${NEXT_REVISION}
       from judged j
       where (s.chain_id, s.block_number, s.log_index) = (j.chain_id, j.block_number, j.log_index)
         and (s.verdict, s.reason, s.leaf_count, s.valid_leaves, s.invalid_leaves, s.unknown_leaves)
           is distinct from (j.verdict, j.reason, j.leaf_count, j.valid, j.invalid, j.unknown)
       returning s.relayer, s.settled_at)
     insert into proofs.dirty (kind, key, start_at)
     select distinct 'relayer', relayer, ${hourOfColumn("settled_at")} from changed on conflict do nothing`,
    placeParameters(places),
  );
}

/** Finds the settlements whose verdict depends on these batches. */
export async function placesOfBatches(
  client: pg.ClientBase,
  batchKeys: readonly Hex[],
): Promise<SettlementPlace[]> {
  if (batchKeys.length === 0) return [];
  const { rows } = await client.query<SettlementPlace>(
    `select chain_id as "chainId", block_number::float8 as "blockNumber", log_index as "logIndex"
     from proofs.settled where batch_key = any($1)`,
    [batchKeys],
  );
  return rows;
}

/** Finds the settlements whose verdict depends on these signatures: individual ones, and batches with such a leaf. */
export async function placesOfSignatures(
  client: pg.ClientBase,
  signatureKeys: readonly Hex[],
): Promise<SettlementPlace[]> {
  if (signatureKeys.length === 0) return [];
  const { rows } = await client.query<SettlementPlace>(
    `select chain_id as "chainId", block_number::float8 as "blockNumber", log_index as "logIndex"
     from proofs.settled where signature_key = any($1)
     union
     select t.chain_id, t.block_number::float8, t.log_index
     from proofs.signature g join proofs.leaf l on l.inference_id = g.inference_id and l.signature_key = g.key
       join proofs.settled t on t.batch_key = l.batch_key
     where g.key = any($1)`,
    [signatureKeys],
  );
  return rows;
}

/** SQL that computes `bucket_part` and `uncounted` (db/schema/proofs.ts): how each node's hours changed over time. */

const LARGEST = String(Number.MAX_SAFE_INTEGER);

/** A sum of untrusted values, clamped to what a number holds; null when there are none, which `least` would skip. */
export const clampedSum = (column: string): string =>
  `case when sum(${column}) is not null then least(sum(${column}), ${LARGEST})::int8 end`;

/**
 * Common table expressions for the node hours in `want (key, start_at)` and the chain in $3: `part` has the rows of
 * `bucket_part`, `never_or_late` those of `uncounted`.
 *
 * An inference counts from its first settlement with a valid signature at or after its node's registration. The same batch
 * may be posted many times, so its place is looked up once per batch and node, not per inference.
 */
export const BUCKET_PARTS = `
  i as materialized (
    select w.key as tee_id, w.start_at, i.id, i.signed_at, r.block_number, r.log_index,
      i.model is not null or i.prompt_tokens is not null or i.completion_tokens is not null as described
    from want w join proofs.inference i on i.tee_id = w.key and i.signed_at >= w.start_at
        and i.signed_at < w.start_at + 3600
      left join proofs.registration r on r.chain_id = $3 and r.tee_id = w.key
    where i.signature_valid),
  in_batches as materialized (
    select i.id, i.tee_id, i.block_number, i.log_index, l.batch_key, l.valid
    from i join proofs.leaf l on l.inference_id = i.id),
  posted as materialized (
    select batch_key, block_number, log_index, settled_at from proofs.settled
    where chain_id = $3 and batch_key in (select distinct batch_key from in_batches)),
  batch_place as materialized (
    select b.batch_key, b.tee_id, min(array[s.block_number, s.log_index, s.settled_at]) as held,
      min(array[s.block_number, s.log_index, s.settled_at])
        filter (where (s.block_number, s.log_index) >= (b.block_number, b.log_index)) as counted
    from (select distinct batch_key, tee_id, block_number, log_index from in_batches) b join posted s using (batch_key)
    group by 1, 2),
  place as (
    select b.id, p.held, case when b.valid then p.counted end as counted
    from in_batches b join batch_place p using (batch_key, tee_id)
    union all
    select i.id, array[t.block_number, t.log_index, t.settled_at],
      case when g.valid and (t.block_number, t.log_index) >= (i.block_number, i.log_index)
        then array[t.block_number, t.log_index, t.settled_at] end
    from i join proofs.settled t on t.inference_id = i.id and t.chain_id = $3
      join proofs.signature g on g.key = t.signature_key),
  first as materialized (select id, min(held) as held, min(counted) as counted from place group by id),
  never_or_late as (
    select i.id, i.tee_id, i.signed_at from i join first f using (id) where f.counted is null or f.held < f.counted),
  counting as materialized (
    select i.tee_id, i.start_at, i.id, i.described, array[f.counted[1], f.counted[3]] as since
    from i join first f using (id) where f.counted is not null),
  -- an inference's payloads, the best first
  payload as materialized (
    select c.tee_id, c.start_at, c.id, c.since, y.model, y.prompt_tokens, y.completion_tokens, s.place,
      min(s.place) over (partition by c.id order by y.state, y.input_matches is true desc, y.output_matches is true desc,
        y.blob_id_hex rows between unbounded preceding and 1 preceding) as until
    from counting c join proofs.payload y on y.inference_id = c.id
      cross join lateral (
        select min(array[t.block_number, t.settled_at]) as place
        from proofs.settled t where t.payload_key = y.key and t.chain_id = $3) s
    where c.described and y.state in ('matched', 'unmatched') and s.place is not null
      and (y.model is not null or y.prompt_tokens is not null or y.completion_tokens is not null)),
  span as (
    select tee_id, start_at, model, prompt_tokens, completion_tokens, greatest(since, place) as since, until from payload
    union all
    select c.tee_id, c.start_at, null, null, null, c.since, p.first
    from counting c left join (select id, min(place) as first from payload group by id) p using (id)),
  part (tee_id, start_at, model, from_block, until_block, from_at, until_at, inferences, prompt_tokens, completion_tokens)
  as materialized (
    select tee_id, start_at, model, since[1], until[1], since[2], until[2], count(*), ${clampedSum("prompt_tokens")},
      ${clampedSum("completion_tokens")}
    from span where until is null or since[1] < until[1] group by 1, 2, 3, 4, 5, 6, 7)`;

const SAME = `(p.model, p.until_block, p.from_at, p.until_at, p.inferences, p.prompt_tokens, p.completion_tokens)
    is not distinct from (n.model, n.until_block, n.from_at, n.until_at, n.inferences, n.prompt_tokens, n.completion_tokens)`;

/** Further expressions: write the differences, and mark the hours of the models they affect. */
export const KEEP_BUCKET_PARTS = `
  gone as (
    delete from proofs.bucket_part p using want w where p.tee_id = w.key and p.start_at = w.start_at
      and not exists (select from part n where n.tee_id = p.tee_id and n.start_at = p.start_at
        and n.from_block = p.from_block and ${SAME})
    returning p.model, p.start_at),
  come as (
    insert into proofs.bucket_part select n.* from part n
    where not exists (select from proofs.bucket_part p where p.tee_id = n.tee_id and p.start_at = n.start_at
      and p.from_block = n.from_block and ${SAME})
    returning model, start_at),
  marked as (
    insert into proofs.dirty (kind, key, start_at)
    select 'model', model, start_at from (table gone union table come) changed where model is not null
    on conflict do nothing),
  counted_now as (
    delete from proofs.uncounted u using want w where u.tee_id = w.key and u.signed_at >= w.start_at
      and u.signed_at < w.start_at + 3600 and not exists (select from never_or_late n where n.id = u.inference_id)),
  not_counted as (
    insert into proofs.uncounted (inference_id, tee_id, signed_at) select id, tee_id, signed_at from never_or_late
    on conflict do nothing)`;

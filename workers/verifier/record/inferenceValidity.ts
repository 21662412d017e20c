/** Derives the validity of inferences and leaves from their signatures. Both functions require the inferences to be locked. */
import type pg from "pg";

/**
 * Recomputes `signature_valid`: true when one signature is valid, false when all are invalid, otherwise null. Whoever adds or
 * decides a signature locks its inference first, so the result cannot be outdated.
 */
export async function reviewInferences(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `update proofs.inference i set signature_valid = merged.valid
     from (select inference_id,
             case when bool_or(valid) then true when bool_and(valid is not null) then false end as valid
           from proofs.signature where inference_id = any($1) group by inference_id) merged
     where i.id = merged.inference_id and i.signature_valid is distinct from merged.valid`,
    [ids],
  );
}

/** Copies decided signatures' verdicts to the undecided leaves of these inferences. */
export async function decideLeaves(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `update proofs.leaf l set valid = g.valid from proofs.signature g
     where l.inference_id = any($1) and l.valid is null and g.key = l.signature_key and g.valid is not null`,
    [ids],
  );
}

/** What follows from an inference's signatures for itself and for its leaves. Both need it locked. */
import type pg from "pg";

/**
 * Finds it out anew: true when one is valid, false when all are invalid, else null. Needs the inferences locked: whoever
 * adds or decides a signature has locked its inference first.
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

/** Gives undecided leaves of these inferences the verdict that their signatures have got. */
export async function decideLeaves(client: pg.ClientBase, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query(
    `update proofs.leaf l set valid = g.valid from proofs.signature g
     where l.inference_id = any($1) and l.valid is null and g.key = l.signature_key and g.valid is not null`,
    [ids],
  );
}

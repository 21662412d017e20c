/** Records the outcomes of signatures, one transaction per group. */
import type pg from "pg";
import { markInferences } from "../derive/buckets.ts";
import { deriveVerdicts, placesOfSignatures } from "../derive/verdicts.ts";
import { finishJobs, holdJobs, type SignatureJob } from "../jobs/claims.ts";
import { decideLeaves, reviewInferences } from "./inferenceValidity.ts";
import { advanceRevision, inTransaction, lockDerived } from "./transaction.ts";

export interface SignatureOutcome {
  readonly job: SignatureJob;
  /** Null while its node's key is not known; a new job is queued once it is. */
  readonly valid: boolean | null;
}

/**
 * Records the outcomes of signatures that this verifier still holds.
 * @returns how many were recorded.
 */
export const recordSignatures = (
  pool: pg.Pool,
  holder: string,
  outcomes: readonly SignatureOutcome[],
): Promise<number> =>
  inTransaction(pool, async (client) => {
    const held = await holdJobs(
      client,
      holder,
      "signature",
      outcomes.map(({ job }) => job.key),
    );
    const ours = outcomes.filter(({ job }) => held.has(job.key));
    const decided = ours.filter(({ valid }) => valid !== null);
    const ids = [...new Set(decided.map(({ job }) => job.inferenceId))];
    const keys = decided.map(({ job }) => job.key);
    // verifiers with signatures of the same inference wait here, and then see ours
    await client.query("select from proofs.inference where id = any($1) order by id for update", [ids]);
    await client.query(
      `update proofs.signature s set valid = o.valid from unnest($1::text[], $2::bool[]) as o(key, valid)
       where s.key = o.key and s.valid is null`,
      [keys, decided.map(({ valid }) => valid)],
    );
    await reviewInferences(client, ids);
    await decideLeaves(client, ids);

    await lockDerived(client);
    await finishJobs(
      client,
      "signature",
      ours.map(({ job }) => job.key),
    );
    if (decided.length > 0) {
      await deriveVerdicts(client, await placesOfSignatures(client, keys));
      await markInferences(client, ids);
      await advanceRevision(client);
    }
    return ours.length;
  });

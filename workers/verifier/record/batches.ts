/** Records the outcomes of batches, one transaction per group. */
import type pg from "pg";
import { type LeafRecords, RECORD_OVERHEAD, VALID } from "../check/leafRecords.ts";
import { markHeldInferences, markInferences, markNodeHours } from "../derive/buckets.ts";
import { deriveVerdicts, placesOfBatches, placesOfSignatures } from "../derive/verdicts.ts";
import { type BatchJob, finishJobs, holdJobs, postponeJobs } from "../jobs/claims.ts";
import { recordLeaves } from "./leafRows.ts";
import { mayReplace, postponed, type Recheckable, type Unfinished } from "./outcome.ts";
import { advanceRevision, inTransaction, lockDerived } from "./transaction.ts";

export type BatchOutcome = { readonly job: BatchJob } & Recheckable &
  (
    | { readonly state: "proven"; readonly leaves: LeafRecords; readonly tree: Uint8Array<ArrayBuffer> }
    | { readonly state: "invalid"; readonly reason: string; readonly detail: string }
    | Unfinished
  );

const STATES = [
  "pending",
  "unavailable",
  "invalid",
  "proven",
] as const satisfies readonly BatchOutcome["state"][];

/** A longer leaf, whose signature cannot be valid, counts as several. */
const USUAL_LEAF_BYTES = RECORD_OVERHEAD + 256;

/** An outcome's weight in a transaction, in leaves. */
export const weightOf = (outcome: BatchOutcome): number =>
  outcome.state === "proven"
    ? Math.max(outcome.leaves.count, outcome.leaves.bytes.length / USUAL_LEAF_BYTES)
    : 1;

/** The latest of these decimal uint256 seconds, clamped like an inference's `signed_at`. */
const latestOf = (timestamps: readonly string[]): number =>
  timestamps.reduce(
    (latest, timestamp) => Math.max(latest, Math.min(Number(timestamp), Number.MAX_SAFE_INTEGER)),
    0,
  );

/**
 * Records the outcomes of batches that this verifier still holds; the others belong to whoever took them over.
 * @returns how many were recorded.
 */
export const recordBatches = (
  pool: pg.Pool,
  holder: string,
  outcomes: readonly BatchOutcome[],
): Promise<number> =>
  inTransaction(pool, async (client) => {
    const held = await holdJobs(
      client,
      holder,
      "batch",
      outcomes.map(({ job }) => job.key),
    );
    const ours = outcomes.filter(({ job }) => held.has(job.key));
    const proven = ours.flatMap((outcome) => (outcome.state === "proven" ? [outcome] : []));
    const decided = await recordLeaves(
      client,
      proven.map(({ job, leaves }) => ({ batchKey: job.key, leaves })),
    );

    await lockDerived(client);
    const { rows: changed } = await client.query<{ key: BatchJob["key"] }>(
      `update proofs.batch b set state = o.state, reason = o.reason, detail = o.detail, leaf_count = o.leaves, tree = o.tree,
         latest_signed_at = o.latest, checked_at = now()
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int4[], $6::bytea[], $7::int8[])
         as o(key, state, reason, detail, leaves, tree, latest)
       where b.key = o.key and ${mayReplace("b.state", "o.state", STATES)}
         and (b.state, b.reason, b.detail) is distinct from (o.state, o.reason, o.detail)
       returning b.key`,
      [
        ours.map(({ job }) => job.key),
        ours.map(({ state }) => state),
        ours.map((outcome) => ("reason" in outcome ? outcome.reason : null)),
        ours.map((outcome) => ("detail" in outcome ? outcome.detail : null)),
        ours.map((outcome) => (outcome.state === "proven" ? outcome.leaves.count : null)),
        ours.map((outcome) => (outcome.state === "proven" ? Buffer.from(outcome.tree.buffer) : null)),
        ours.map((outcome) => (outcome.state === "proven" ? latestOf(outcome.leaves.timestamps) : null)),
      ],
    );
    await finishJobs(
      client,
      "batch",
      ours.flatMap(({ job, again }) => (again === undefined ? [job.key] : [])),
    );
    await postponeJobs(client, "batch", postponed(ours));
    if (changed.length + decided.length > 0) {
      const places = await placesOfBatches(
        client,
        changed.map(({ key }) => key),
      );
      await deriveVerdicts(client, places);
      const keys = decided.map(({ key }) => key);
      await deriveVerdicts(client, await placesOfSignatures(client, keys));
      const ids = decided.map(({ inferenceId }) => inferenceId);
      await markInferences(client, [...new Set(ids)]);
      await markNodeHours(
        client,
        proven.flatMap(({ leaves }) => leaves.nodeHours),
      );
      // these batches contain, without counting, inferences that are valid elsewhere
      await markHeldInferences(
        client,
        proven.flatMap(({ job, leaves }) =>
          leaves.validity.every((found) => found === VALID) ? [] : [job.key],
        ),
      );
      await advanceRevision(client);
    }
    return ours.length;
  });

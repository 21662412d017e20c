/** Heartbeats: the hot path. One row a heartbeat, one update of its node; everything else only when something ended. */
import type { Context } from "ponder:registry";
import { heartbeat, nodeBucket, nodeLiveness } from "ponder:schema";
import type { Hex } from "viem";
import { BUCKET_SECONDS, DAY_SECONDS, HOUR_SECONDS } from "./buckets.ts";
import { addNetworkBucket, countAnomaly, positionOf, recordBlock, timeOf } from "./counters.ts";
import { clampToSafe } from "./decode/number.ts";
import { applyBeat, type BeatOutcome } from "./liveness/figures.ts";
import { appendBeat } from "./liveness/journal.ts";
import { rememberSigned, wasSigned } from "./liveness/proved.ts";
import { count, type Tally } from "./liveness/tally.ts";
import { syncMaxAge } from "./maxAge.ts";
import { dayColumns, dayTally, hourColumns, hourTally, type Liveness, writeEnded } from "./nodeState.ts";
import { writeGap, writeLateSecond } from "./provedGaps.ts";
import { og } from "./registry.ts";
import { registryOf } from "./registryEvents.ts";

interface Outcome extends BeatOutcome {
  readonly before: Pick<Liveness, "closedIntervals" | "provedGaps">;
  readonly finished: readonly (Tally | null)[];
  readonly repeated: boolean;
}

og("TEERegistry:HeartbeatReceived", async ({ event, context }) => {
  const registry = registryOf(event);
  const key = { chainId: context.chain.id, registry, teeId: event.args.teeId };
  const receivedAt = timeOf(event);
  // The contract refuses a signed time after its block's; an earlier registry may not have.
  const signedAt = Math.min(clampToSafe(event.args.timestamp), receivedAt);
  const latenessSeconds = receivedAt - signedAt;
  const state = await syncMaxAge(context, event, registry, { latenessSeconds });
  await recordBlock(context, event);

  // Found and updated in one step: on this path every call to the store counts.
  let outcome: Outcome | undefined;
  const known = await updateIfPresent(context, key, (before) => {
    const repeated = wasSigned(before.recentSignedAt, signedAt);
    const beat = { signedAt, receivedAt, repeated };
    const result = applyBeat(before, before, beat, state.maxAgeSeconds);
    const hour = count(hourTally(before), HOUR_SECONDS, receivedAt, latenessSeconds, repeated);
    const day = count(dayTally(before), DAY_SECONDS, receivedAt, latenessSeconds, repeated);
    outcome = {
      ...result,
      before: { closedIntervals: before.closedIntervals, provedGaps: before.provedGaps },
      finished: [hour.finished, day.finished],
      repeated,
    };
    return {
      ...result.figures,
      recentSignedAt: rememberSigned(before.recentSignedAt, signedAt, receivedAt, state.maxAgeSeconds),
      journal: appendBeat(before.journal, state.maxAgeCheckedBlock, before, beat),
      heartbeats: before.heartbeats + 1,
      distinctHeartbeats: before.distinctHeartbeats + (repeated ? 0 : 1),
      ...hourColumns(hour.tally),
      ...dayColumns(day.tally),
    };
  });
  // A node whose registration lies before the configured start block.
  if (!known || outcome === undefined) return countAnomaly(context, event, "event-of-unknown-node");

  await context.db.insert(heartbeat).values({
    ...positionOf(context, event),
    registry,
    teeId: key.teeId,
    receivedAt,
    signedAt,
    latestSignedAt: outcome.figures.lastSignedAt,
    repeated: outcome.repeated,
    relayer: event.transaction.from,
    txHash: event.transaction.hash,
  });
  await writeEnded(context, { ...key, ...outcome.before }, outcome);
  await writeGap(context, { ...key, ...outcome.before }, outcome.gap, receivedAt);
  if (outcome.late) await writeLateSecond(context, key, signedAt, receivedAt, state.maxAgeSeconds);
  await writeFinished(context, key, outcome.finished);
});

/** Updates a node's liveness; false when there is no such node. */
async function updateIfPresent(
  context: Context,
  key: { chainId: number; registry: Hex; teeId: Hex },
  change: (before: Liveness) => Partial<Liveness>,
): Promise<boolean> {
  try {
    await context.db.update(nodeLiveness, key).set(change);
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "RecordNotFoundError") return false;
    throw error;
  }
}

async function writeFinished(
  context: Context,
  key: { chainId: number; registry: Hex; teeId: Hex },
  finished: readonly (Tally | null)[],
): Promise<void> {
  for (const [index, tally] of finished.entries()) {
    const intervalSeconds = BUCKET_SECONDS[index];
    if (tally === null || intervalSeconds === undefined) continue;
    await context.db.insert(nodeBucket).values({ ...key, intervalSeconds, ...tally });
    await addNetworkBucket(context, intervalSeconds, tally.startAt, { heartbeats: tally.heartbeats });
  }
}

/** Heartbeats: the hot path. One row a heartbeat, one update of its node; everything else only when something ended. */
import { heartbeat } from "ponder:schema";
import { countAnomaly, recordBlock, timeOf } from "./counters.ts";
import { clampToSafe } from "./decode/number.ts";
import { bucketStart, HOUR_SECONDS } from "./decode/timeBuckets.ts";
import { applyBeat, type BeatOutcome, figuresOf, type LivenessFigures } from "./liveness/figures.ts";
import { appendBeat } from "./liveness/journal.ts";
import { forgetSigned, rememberSigned, wasSigned } from "./liveness/proved.ts";
import type { BeatTotals } from "./liveness/totals.ts";
import { syncMaxAgeAfterHeartbeat } from "./maxAge.ts";
import { type Liveness, updateLiveness, writeEnded } from "./nodeState.ts";
import { isFirstOfBlock } from "./oncePerBlock.ts";
import { writeGap, writeLateSecond } from "./provedGaps.ts";
import { og } from "./registry.ts";
import { registryOf } from "./registryEvents.ts";

interface Outcome extends BeatOutcome, BeatTotals {
  readonly before: LivenessFigures;
  readonly maxAgeSeconds: number;
  readonly repeated: boolean;
}

og("TEERegistry:HeartbeatReceived", async ({ event, context }) => {
  const registry = registryOf(event);
  const key = { chainId: context.chain.id, registry, teeId: event.args.teeId };
  const blockNumber = Number(event.block.number);
  const receivedAt = timeOf(event);
  // The contract refuses a signed time after its block's; an earlier registry may not have.
  const signedAt = Math.min(clampToSafe(event.args.timestamp), receivedAt);
  await recordBlock(context, event);

  // Found and updated in one step: on this path every call to the store and every column written counts.
  let outcome: Outcome | undefined;
  await updateLiveness(context, key, (row) => {
    const before = figuresOf(row);
    const { maxAgeSeconds, recentSignedAt } = row;
    const repeated = signedAt <= before.lastSignedAt && wasSigned(recentSignedAt, signedAt);
    const beat = { signedAt, receivedAt, repeated };
    const applied = applyBeat(before, row, beat, maxAgeSeconds);
    const heartbeats = row.heartbeats + 1;
    const repeatedHeartbeats = row.repeatedHeartbeats + (repeated ? 1 : 0);
    const latenessSeconds = row.latenessSeconds + receivedAt - signedAt;
    // Trimmed once an hour: it is cheaper to carry a few seconds too many.
    const hourBegins = bucketStart(receivedAt, HOUR_SECONDS) > before.lastHeartbeatAt;
    const recent = hourBegins ? forgetSigned(recentSignedAt, receivedAt, maxAgeSeconds) : recentSignedAt;
    outcome = {
      ...applied,
      before,
      maxAgeSeconds,
      repeated,
      heartbeats,
      repeatedHeartbeats,
      latenessSeconds,
    };
    const change: Partial<Liveness> = moved(before, applied);
    change.recentSignedAt = rememberSigned(recent, before.lastSignedAt, signedAt);
    change.heartbeats = heartbeats;
    change.latenessSeconds = latenessSeconds;
    if (repeated) change.repeatedHeartbeats = repeatedHeartbeats;
    const { journal, journalRollsAtBlock } = appendBeat(row, blockNumber, before, beat);
    change.journal = journal;
    if (journalRollsAtBlock !== row.journalRollsAtBlock) change.journalRollsAtBlock = journalRollsAtBlock;
    return change;
  });
  if (outcome !== undefined) {
    await context.db.insert(heartbeat).values({
      chainId: key.chainId,
      blockNumber,
      logIndex: event.log.logIndex,
      registry,
      teeId: key.teeId,
      receivedAt,
      signedAt,
      latestSignedAt: outcome.figures.lastSignedAt,
      repeated: outcome.repeated,
      relayer: event.transaction.from,
      txHash: event.transaction.hash,
      heartbeatsSoFar: outcome.heartbeats,
      repeatedSoFar: outcome.repeatedHeartbeats,
      latenessSecondsSoFar: outcome.latenessSeconds,
    });
    if (outcome.ended !== null) await writeEnded(context, { ...key, ...outcome.before }, outcome);
    if (outcome.gap !== null) await writeGap(context, { ...key, ...outcome.before }, outcome.gap, receivedAt);
    if (outcome.late) await writeLateSecond(context, key, signedAt, receivedAt, outcome.maxAgeSeconds);
  }
  // A node whose registration lies before the configured start block.
  else await countAnomaly(context, event, "event-of-unknown-node");

  // After the heartbeat was applied: a change that precedes it applies it again.
  if (isFirstOfBlock(`age ${registry}`, event)) await syncMaxAgeAfterHeartbeat(context, event, registry);
});

/** The columns that a heartbeat moves: three of the figures, unless something began or ended. */
function moved(before: LivenessFigures, { figures, ended, gap }: BeatOutcome): Partial<LivenessFigures> {
  const { lastHeartbeatAt, lastSignedAt, activeUntil } = figures;
  const steady =
    ended === null &&
    gap === null &&
    figures.activeFrom === before.activeFrom &&
    figures.lastSignedMaxAgeSeconds === before.lastSignedMaxAgeSeconds;
  return steady ? { lastHeartbeatAt, lastSignedAt, activeUntil } : { ...figures };
}

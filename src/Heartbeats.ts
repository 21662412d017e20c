/** Heartbeats: the hot path. One row a heartbeat, one update of its node; everything else only when something ended. */
import type { Context } from "ponder:registry";
import { heartbeat, nodeBucket, nodeLiveness } from "ponder:schema";
import type { Hex } from "viem";
import { DAY_SECONDS, HOUR_SECONDS } from "./buckets.ts";
import { addNetworkBuckets, countAnomaly, positionOf, recordBlock, timeOf } from "./counters.ts";
import { clampToSafe } from "./decode/number.ts";
import { applyBeat, type BeatOutcome, figuresOf, type LivenessFigures } from "./liveness/figures.ts";
import { appendBeat } from "./liveness/journal.ts";
import { forgetSigned, rememberSigned, wasSigned } from "./liveness/proved.ts";
import { count, type Tally, type TurnOfHour, turnHour } from "./liveness/tally.ts";
import { syncMaxAgeAfterHeartbeat } from "./maxAge.ts";
import { dayColumns, dayTally, hourColumns, hourTally, type Liveness, writeEnded } from "./nodeState.ts";
import { writeGap, writeLateSecond } from "./provedGaps.ts";
import { og } from "./registry.ts";
import { registryOf } from "./registryEvents.ts";

interface Outcome extends BeatOutcome {
  readonly before: LivenessFigures;
  readonly maxAgeSeconds: number;
  /** Null while the hour goes on. */
  readonly turn: TurnOfHour | null;
  readonly repeated: boolean;
}

og("TEERegistry:HeartbeatReceived", async ({ event, context }) => {
  const registry = registryOf(event);
  const key = { chainId: context.chain.id, registry, teeId: event.args.teeId };
  const position = positionOf(context, event);
  const receivedAt = timeOf(event);
  // The contract refuses a signed time after its block's; an earlier registry may not have.
  const signedAt = Math.min(clampToSafe(event.args.timestamp), receivedAt);
  const latenessSeconds = receivedAt - signedAt;
  await recordBlock(context, event);

  // Found and updated in one step: on this path every call to the store counts.
  let outcome: Outcome | undefined;
  await updateIfPresent(context, key, (row) => {
    const before = figuresOf(row);
    const { maxAgeSeconds, recentSignedAt, hourStartAt } = row;
    const repeated = signedAt <= before.lastSignedAt && wasSigned(recentSignedAt, signedAt);
    const beat = { signedAt, receivedAt, repeated };
    const applied = applyBeat(before, row, beat, maxAgeSeconds);
    const hourIsOver = receivedAt >= hourStartAt + HOUR_SECONDS;
    const turn = hourIsOver ? turnHour({ hour: hourTally(row), day: dayTally(row) }, receivedAt) : null;
    const recent = hourIsOver ? forgetSigned(recentSignedAt, receivedAt, maxAgeSeconds) : recentSignedAt;
    const hour = count(turn?.tallies.hour ?? hourTally(row), latenessSeconds, repeated);
    outcome = { ...applied, before, maxAgeSeconds, turn, repeated };
    return {
      ...moved(before, applied),
      recentSignedAt: rememberSigned(recent, before.lastSignedAt, signedAt),
      ...appendBeat(row, position.blockNumber, before, beat),
      ...hourColumns(hour),
      ...(turn === null ? {} : dayColumns(turn.tallies.day)),
    };
  });
  if (outcome !== undefined) {
    await context.db.insert(heartbeat).values({
      ...position,
      registry,
      teeId: key.teeId,
      receivedAt,
      signedAt,
      latestSignedAt: outcome.figures.lastSignedAt,
      repeated: outcome.repeated,
      relayer: event.transaction.from,
      txHash: event.transaction.hash,
    });
    if (outcome.ended !== null) await writeEnded(context, { ...key, ...outcome.before }, outcome);
    if (outcome.gap !== null) await writeGap(context, { ...key, ...outcome.before }, outcome.gap, receivedAt);
    if (outcome.late) await writeLateSecond(context, key, signedAt, receivedAt, outcome.maxAgeSeconds);
    if (outcome.turn !== null) await writeFinished(context, key, outcome.turn);
  }
  // A node whose registration lies before the configured start block.
  else await countAnomaly(context, event, "event-of-unknown-node");

  // After the heartbeat was applied: a change that precedes it applies it again.
  await syncMaxAgeAfterHeartbeat(context, event, registry);
});

/** The columns that a heartbeat moves: three of the figures, unless something began or ended. */
function moved(before: LivenessFigures, { figures, ended, gap }: BeatOutcome): Partial<LivenessFigures> {
  const { lastHeartbeatAt, lastSignedAt, activeUntil } = figures;
  const steady =
    ended === null &&
    gap === null &&
    figures.activeFrom === before.activeFrom &&
    figures.lastSignedMaxAgeSeconds === before.lastSignedMaxAgeSeconds;
  return steady ? { lastHeartbeatAt, lastSignedAt, activeUntil } : figures;
}

interface NodeKey {
  readonly chainId: number;
  readonly registry: Hex;
  readonly teeId: Hex;
}

/** Updates a node's liveness, if there is such a node. */
async function updateIfPresent(
  context: Context,
  key: NodeKey,
  change: (row: Liveness) => Partial<Liveness>,
): Promise<void> {
  try {
    await context.db.update(nodeLiveness, key).set(change);
  } catch (error) {
    if (!(error instanceof Error && error.name === "RecordNotFoundError")) throw error;
  }
}

async function writeFinished(
  context: Context,
  key: NodeKey,
  { finishedHour, finishedDay }: TurnOfHour,
): Promise<void> {
  if (finishedHour !== null) await writeBucket(context, key, HOUR_SECONDS, finishedHour);
  if (finishedDay !== null) await writeBucket(context, key, DAY_SECONDS, finishedDay);
}

async function writeBucket(
  context: Context,
  key: NodeKey,
  intervalSeconds: number,
  tally: Tally,
): Promise<void> {
  const { startAt, heartbeats } = tally;
  await context.db.insert(nodeBucket).values({ ...key, intervalSeconds, ...tally });
  await addNetworkBuckets(context, [{ intervalSeconds, startAt }], { heartbeats });
}

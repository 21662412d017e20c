/** Applies a change of `heartbeatMaxAge` to a node, rewriting what its heartbeats since the change had written. */
import type { Context } from "ponder:registry";
import { activeInterval, nodeLiveness } from "ponder:schema";
import { activeUntil, reconsider } from "./liveness/active.ts";
import { applyBeat } from "./liveness/figures.ts";
import { EMPTY_JOURNAL, type Journal, readJournal } from "./liveness/journal.ts";
import { type Liveness, writeEnded, writeTransition } from "./nodeState.ts";
import { undoGaps, writeGap, writeLateSecond } from "./provedGaps.ts";

interface Change {
  /** Time of the block in which the new value came into force. */
  readonly fromAt: number;
  readonly maxAgeSeconds: number;
}

/**
 * Since the last look at the value a node can only have sent heartbeats: every other registry event looks first. So
 * its journal, which reaches back beyond that look, is undone, and replayed with the old value up to the change and the
 * new one from it.
 */
export async function rebuildNode(context: Context, liveness: Liveness, change: Change): Promise<void> {
  const { chainId, registry, teeId } = liveness;
  const key = { chainId, registry, teeId };
  const journal = readJournal(liveness.journal);
  const replayed = journal?.beats ?? [];
  if (journal !== null) await undoJournal(context, liveness, journal);

  const current = async (): Promise<Liveness> => {
    const row = await context.db.find(nodeLiveness, key);
    if (row === null) throw new Error(`node_liveness: ${teeId} of ${registry} is missing`);
    return row;
  };
  const replay = async (beats: typeof replayed, maxAgeSeconds: number) => {
    for (const beat of beats) {
      const row = await current();
      const outcome = applyBeat(row, row, beat, maxAgeSeconds);
      await context.db.update(nodeLiveness, key).set(outcome.figures);
      await writeEnded(context, row, outcome);
      await writeGap(context, row, outcome.gap, beat.receivedAt);
      if (outcome.late) await writeLateSecond(context, key, beat.signedAt, beat.receivedAt, maxAgeSeconds);
    }
  };

  await replay(
    replayed.filter(({ receivedAt }) => receivedAt < change.fromAt),
    liveness.maxAgeSeconds,
  );
  await context.db.update(nodeLiveness, key).set({ maxAgeSeconds: change.maxAgeSeconds, ...EMPTY_JOURNAL });
  const row = await current();
  if (row.enabled && !row.removed) {
    const until = activeUntil(row.lastHeartbeatAt, change.maxAgeSeconds, row.pcrApprovedUntil);
    await writeTransition(
      context,
      row,
      (open) => reconsider(open, change.fromAt, until, "max-age"),
      change.fromAt,
    );
  }
  await replay(
    replayed.filter(({ receivedAt }) => receivedAt >= change.fromAt),
    change.maxAgeSeconds,
  );
}

async function undoJournal(context: Context, liveness: Liveness, journal: Journal): Promise<void> {
  const { chainId, registry, teeId } = liveness;
  const key = { chainId, registry, teeId };
  const { figures, beats } = journal;
  for (let ordinal = figures.closedIntervals; ordinal < liveness.closedIntervals; ordinal++)
    await context.db.delete(activeInterval, { ...key, ordinal });
  const since = beats[0]?.receivedAt ?? liveness.lastHeartbeatAt;
  await undoGaps(context, key, { now: liveness.provedGaps, before: figures.provedGaps }, since);
  await context.db.update(nodeLiveness, key).set(figures);
}

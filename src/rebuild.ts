/** Applies changes of `heartbeatMaxAge` to a node, rewriting what its heartbeats since the first one had written. */
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
 * Since the last look at the value a node can only have sent heartbeats: every other registry event looks first, and where
 * the RPC did not answer then, what was decided stays and a change counts from there on. So
 * its journal, which reaches back beyond that look, is undone, and replayed with the old value up to the first change and
 * with each new one from its change on.
 * @param found - in order.
 */
export async function rebuildNode(
  context: Context,
  liveness: Liveness,
  found: readonly Change[],
): Promise<void> {
  const decidedAt = liveness.changedAt ?? 0;
  const changes = found.map((change) => ({ ...change, fromAt: Math.max(change.fromAt, decidedAt) }));
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

  const between = (fromAt: number, untilAt: number) =>
    replayed.filter(({ receivedAt }) => receivedAt >= fromAt && receivedAt < untilAt);

  await replay(between(0, changes[0]?.fromAt ?? Number.POSITIVE_INFINITY), liveness.maxAgeSeconds);
  for (const [index, { fromAt, maxAgeSeconds }] of changes.entries()) {
    await context.db.update(nodeLiveness, key).set({ maxAgeSeconds, ...EMPTY_JOURNAL });
    const row = await current();
    if (row.enabled && !row.removed) {
      const until = activeUntil(row.lastHeartbeatAt, maxAgeSeconds, row.pcrApprovedUntil);
      await writeTransition(context, row, (open) => reconsider(open, fromAt, until, "max-age"), fromAt);
    }
    await replay(between(fromAt, changes[index + 1]?.fromAt ?? Number.POSITIVE_INFINITY), maxAgeSeconds);
  }
}

async function undoJournal(context: Context, liveness: Liveness, journal: Journal): Promise<void> {
  const { chainId, registry, teeId } = liveness;
  const key = { chainId, registry, teeId };
  const { figures, beats } = journal;
  for (let ordinal = figures.closedIntervals; ordinal < liveness.closedIntervals; ordinal++)
    await context.db.delete(activeInterval, { ...key, ordinal });
  await undoGaps(context, key, {
    now: liveness.provedGaps,
    before: figures.provedGaps,
    since: beats[0]?.receivedAt ?? liveness.lastHeartbeatAt,
    oldestSignedAt: beats.reduce((oldest, { signedAt }) => Math.min(oldest, signedAt), liveness.lastSignedAt),
  });
  await context.db.update(nodeLiveness, key).set(figures);
}

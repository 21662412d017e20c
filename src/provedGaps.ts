/** Writes the gaps between distinct signed seconds. Rows never change but for `supersededAt`. */
import type { Context } from "ponder:registry";
import { nodeLiveness, provedGap } from "ponder:schema";
import type { Hex } from "viem";
import { type Gap, splitGap } from "./liveness/proved.ts";

interface NodeKey {
  readonly chainId: number;
  readonly registry: Hex;
  readonly teeId: Hex;
}

const keyOf = ({ chainId, registry, teeId }: NodeKey) => ({ chainId, registry, teeId });

/** Writes a gap under the ordinal that was next before it was known. */
export async function writeGap(
  context: Context,
  node: NodeKey & { readonly provedGaps: number },
  gap: Gap | null,
  knownAt: number,
): Promise<void> {
  if (gap === null) return;
  await context.db.insert(provedGap).values({ ...keyOf(node), ordinal: node.provedGaps, ...gap, knownAt });
}

/** A heartbeat that arrives out of order replaces the gap it was signed in, if it was signed in one. */
export async function writeLateSecond(
  context: Context,
  key: NodeKey,
  signedAt: number,
  receivedAt: number,
  maxAgeSeconds: number,
): Promise<void> {
  const liveness = await context.db.find(nodeLiveness, key);
  if (liveness === null) return;
  for (let ordinal = liveness.provedGaps - 1; ordinal >= 0; ordinal--) {
    const gap = await context.db.find(provedGap, { ...key, ordinal });
    // A gap that was known before this second was signed ends before it, and so do all earlier ones.
    if (gap === null || gap.knownAt < signedAt) return;
    if (gap.supersededAt !== null || signedAt <= gap.lastSignedAt || signedAt >= gap.nextSignedAt) continue;
    await context.db.update(provedGap, { ...key, ordinal }).set({ supersededAt: receivedAt });
    const { lastSignedAt, nextSignedAt } = gap;
    const parts = splitGap(
      { lastSignedAt, nextSignedAt, maxAgeSeconds: gap.maxAgeSeconds },
      signedAt,
      maxAgeSeconds,
    );
    let provedGaps = liveness.provedGaps;
    for (const part of parts) await writeGap(context, { ...key, provedGaps: provedGaps++ }, part, receivedAt);
    await context.db.update(nodeLiveness, key).set({ provedGaps });
    return;
  }
}

/** What is taken back: rows since the node had `before`, the first of them known at `since`. */
export interface UndoneGaps {
  readonly now: number;
  readonly before: number;
  readonly since: number;
  /** The oldest second that was signed in a heartbeat since then. */
  readonly oldestSignedAt: number;
}

/** Takes back what became known since. */
export async function undoGaps(
  context: Context,
  key: NodeKey,
  { now, before, since, oldestSignedAt }: UndoneGaps,
): Promise<void> {
  for (let ordinal = before; ordinal < now; ordinal++)
    await context.db.delete(provedGap, { ...key, ordinal });
  for (let ordinal = before - 1; ordinal >= 0; ordinal--) {
    const gap = await context.db.find(provedGap, { ...key, ordinal });
    // Only a gap that a second was signed in can have been replaced: as when it was, see `writeLateSecond`.
    if (gap === null || gap.knownAt < oldestSignedAt) return;
    if (gap.supersededAt !== null && gap.supersededAt >= since)
      await context.db.update(provedGap, { ...key, ordinal }).set({ supersededAt: null });
  }
}

/** Derives the gaps that scoring reads from raw heartbeats, by the rules of the indexer's handlers, without a database. */
import type { SignedGap } from "../../api/scoring/index.ts";
import { applyBeat, type LivenessFigures } from "../../src/liveness/figures.ts";
import { splitGap } from "../../src/liveness/proved.ts";

export interface Heartbeat {
  readonly signedAt: number;
  /** Block time. */
  readonly receivedAt: number;
}

/** The result of a node's heartbeats. */
export interface HeartbeatLog {
  readonly figures: LivenessFigures;
  /** In order of time. */
  readonly gaps: readonly SignedGap[];
  /** Those that late heartbeats replaced. */
  readonly superseded: readonly SignedGap[];
  /** Heartbeats with a new signed second, as they were taken. */
  readonly fresh: readonly Heartbeat[];
}

/**
 * @param heartbeats - in order of blocks.
 * @param enabledAt - whether the node was enabled at a block; the registry refuses heartbeats of others.
 * @param signedTimes - `checked` as the registry and the indexer do; otherwise without its bound on a signature's age, or
 *   without its bound on signatures of the future.
 */
export function readHeartbeats(
  registeredAt: number,
  heartbeats: readonly Heartbeat[],
  maxAgeSeconds: number,
  enabledAt: (time: number) => boolean = () => true,
  signedTimes: "checked" | "any age" | "post-dated" = "checked",
): HeartbeatLog {
  let figures: LivenessFigures = {
    activeFrom: registeredAt,
    activeUntil: registeredAt + maxAgeSeconds + 1,
    closedIntervals: 0,
    provedGaps: 0,
    lastHeartbeatAt: registeredAt,
    lastSignedAt: registeredAt,
    lastSignedMaxAgeSeconds: maxAgeSeconds,
  };
  const seen = new Set([registeredAt]);
  const fresh: Heartbeat[] = [];
  const gaps: SignedGap[] = [];
  const superseded: SignedGap[] = [];
  for (const { signedAt: claimedAt, receivedAt } of heartbeats) {
    // The contract refuses a second after its block's; the indexer clamps what an earlier registry took.
    const signedAt = signedTimes === "post-dated" ? claimedAt : Math.min(claimedAt, receivedAt);
    const tooOld = signedTimes !== "any age" && receivedAt - signedAt > maxAgeSeconds;
    if (tooOld || !enabledAt(receivedAt)) continue;
    const repeated = seen.has(signedAt);
    const beat = { signedAt, receivedAt, repeated };
    const outcome = applyBeat(figures, { enabled: true, pcrApprovedUntil: null }, beat, maxAgeSeconds);
    figures = outcome.figures;
    if (!repeated) fresh.push({ signedAt, receivedAt });
    seen.add(signedAt);
    if (outcome.gap !== null) gaps.push({ ...outcome.gap, knownAt: receivedAt });
    if (!outcome.late) continue;
    const index = gaps.findIndex((gap) => gap.lastSignedAt < signedAt && signedAt < gap.nextSignedAt);
    const gap = gaps[index];
    if (gap === undefined) continue;
    superseded.push({ ...gap, supersededAt: receivedAt });
    const { lastSignedAt, nextSignedAt } = gap;
    const parts = splitGap(
      { lastSignedAt, nextSignedAt, maxAgeSeconds: gap.maxAgeSeconds },
      signedAt,
      maxAgeSeconds,
    );
    gaps.splice(index, 1, ...parts.map((part) => ({ ...part, knownAt: receivedAt })));
  }
  return { figures, gaps, superseded, fresh };
}

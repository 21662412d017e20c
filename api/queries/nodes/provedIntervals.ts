/** The stricter notion of liveness: only distinct signed seconds count. Pure; unix seconds, `[from, until)`. */
import { isOverdue, twiceExpectedInterval } from "../../../src/decode/expectedInterval.ts";

export interface SignedGap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  /** `heartbeatMaxAge` at the gap's beginning. */
  readonly maxAgeSeconds: number;
}

export interface Spell {
  readonly fromAt: number;
  /** Null while it goes on. */
  readonly untilAt: number | null;
}

/** What is known at `now` of the time after the newest signed second. */
export interface OpenGap {
  readonly lastSignedAt: number;
  readonly maxAgeSeconds: number;
  readonly now: number;
}

/** I in whole seconds. */
const expectedInterval = (maxAgeSeconds: number): number =>
  Math.floor(twiceExpectedInterval(maxAgeSeconds) / 2);

/**
 * The spells during which a node is proved alive: from its registration on, but for `[lastSignedAt + I, nextSignedAt)`
 * of each gap longer than 1.5 I. The gap that is open at `now` ends there.
 * @param gaps - the known ones, in order of time, disjoint; those of at most 1.5 I count as up and may be left out.
 */
export function provedIntervals(
  registeredAt: number,
  gaps: readonly SignedGap[],
  open: OpenGap,
): readonly Spell[] {
  const spells: Spell[] = [];
  let fromAt = registeredAt;
  for (const { lastSignedAt, nextSignedAt, maxAgeSeconds } of gaps) {
    if (!isOverdue(nextSignedAt - lastSignedAt, maxAgeSeconds)) continue;
    spells.push({ fromAt, untilAt: lastSignedAt + expectedInterval(maxAgeSeconds) });
    fromAt = nextSignedAt;
  }
  const silent = isOverdue(open.now - open.lastSignedAt, open.maxAgeSeconds);
  spells.push({ fromAt, untilAt: silent ? open.lastSignedAt + expectedInterval(open.maxAgeSeconds) : null });
  return spells.filter(({ fromAt: from, untilAt }) => untilAt === null || untilAt > from);
}

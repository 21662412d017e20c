/**
 * Heartbeats that were due and did not come. A node is due to sign every I = `heartbeatMaxAge` / 2 (60 s to 86,400 s) after its newest signed
 * second; one that is due counts as missed once more than I / 2 has passed without a newer signed second, and counts at the
 * second it was due. So a gap of up to 1.5 I misses none, one of up to 2.5 I one, and counts of neighbouring ranges add up.
 * Time while the node was disabled or removed does not exist: nothing is due in it. Pure; unix seconds.
 */
import { twiceExpectedInterval } from "../../../src/decode/expectedInterval.ts";

/** Two neighbouring distinct signed seconds, and `heartbeatMaxAge` at the first. */
export interface SignedGap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  readonly maxAgeSeconds: number;
}

export interface SigningHistory {
  /** Those longer than 1.5 I, in order of time. Shorter ones may be left out, and those that end before every range. */
  readonly gaps: readonly SignedGap[];
  /** The newest signed second, or the registration: the gap that is open now begins here. */
  readonly lastSignedAt: number;
  readonly lastMaxAgeSeconds: number;
  /** While it was disabled or removed: disjoint, in order of time; `untilAt` null while it lasts. */
  readonly disabled: readonly { readonly fromAt: number; readonly untilAt: number | null }[];
}

/** `[from, to)`; null has no beginning. */
interface Range {
  readonly from: number | null;
  readonly to: number;
}

/** The missed heartbeats of each range, as known at `now`. */
export function missedHeartbeats(
  history: SigningHistory,
  now: number,
  ranges: readonly Range[],
): readonly number[] {
  const observed = observedClock(history.disabled);
  const open = { ...history, nextSignedAt: now, maxAgeSeconds: history.lastMaxAgeSeconds };
  const gaps = [...history.gaps, open];
  return ranges.map(({ from, to }) =>
    gaps.reduce((sum, gap) => {
      if (gap.lastSignedAt >= to || (from !== null && gap.nextSignedAt <= from)) return sum;
      const dueBefore = missedOf(gap, observed);
      return sum + dueBefore(to) - (from === null ? 0 : dueBefore(from));
    }, 0),
  );
}

/** Counts the missed heartbeats of a gap that were due before a second: the j-th is due j · I after the gap's beginning. */
function missedOf(
  { lastSignedAt, nextSignedAt, maxAgeSeconds }: SignedGap,
  observed: (at: number) => number,
): (at: number) => number {
  const twice = twiceExpectedInterval(maxAgeSeconds);
  const begun = observed(lastSignedAt);
  const lengthSeconds = observed(nextSignedAt) - begun;
  // In whole seconds, because I may be half of an odd number: the largest j with (j + 1/2) · I < length.
  const all = Math.max(0, Math.ceil((4 * lengthSeconds - twice) / (2 * twice)) - 1);
  return (at) => {
    const due = Math.ceil((2 * (observed(at) - begun)) / twice) - 1;
    return Math.min(all, Math.max(0, due));
  };
}

/** Seconds up to `at` without those in the spells. */
function observedClock(spells: SigningHistory["disabled"]): (at: number) => number {
  if (spells.length === 0) return (at) => at;
  const skippedBefore: number[] = [];
  let skipped = 0;
  for (const { fromAt, untilAt } of spells) {
    skippedBefore.push(skipped);
    skipped += (untilAt ?? fromAt) - fromAt;
  }
  return (at) => {
    let low = 0;
    let high = spells.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((spells[middle]?.fromAt ?? Number.POSITIVE_INFINITY) < at) low = middle + 1;
      else high = middle;
    }
    const spell = spells[low - 1];
    if (spell === undefined) return at;
    const inside = Math.min(at, spell.untilAt ?? at) - spell.fromAt;
    return at - (skippedBefore[low - 1] ?? 0) - inside;
  };
}

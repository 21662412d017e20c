/**
 * A node's life as it was known at earlier moments. A heartbeat's block may come long after the second that it signs, and
 * heartbeats may come out of order: until then the chain said something else of that time. Unix seconds.
 */
import type { NodeHistory } from "./nodeRecord.ts";
import type { SignedGap } from "./observedTime.ts";
import { covered, firstEndingAfter, type Spell } from "./spell.ts";

/** The same as `history` with what was known at `at`, as far as moments up to `at` go. */
export type LifeKnownAt = (at: number) => NodeHistory;

/** Since when a gap is known. */
const knownFrom = ({ knownAt, nextSignedAt }: SignedGap): number => knownAt ?? nextSignedAt;

/**
 * @param history - with all its gaps, those that were superseded included. Every gap during which the node seemed silent for
 *   more than 1.5 I to anyone who looked must be among them, see `applyBeat` in src/liveness/figures.ts.
 */
export function lifeKnown(history: NodeHistory): LifeKnownAt {
  const gaps = [...history.gaps, ...(history.superseded ?? [])];
  const otherwise = covered(gaps.flatMap(misjudged), Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  if (otherwise.length === 0) return () => history;
  const turns = gaps
    .flatMap((gap) => [knownFrom(gap), gap.supersededAt ?? Number.POSITIVE_INFINITY])
    .sort((one, other) => one - other);
  // Owners register keys in bursts, and between two turns the same is known.
  let newest: { readonly turn: number; readonly history: NodeHistory } | null = null;
  return (at) => {
    const spell = otherwise[firstEndingAfter(otherwise, at)];
    if (spell === undefined || at < spell.fromAt) return history;
    const turn = turns.findLastIndex((one) => one <= at);
    if (newest?.turn !== turn) newest = { turn, history: { ...history, ...known(history, gaps, at) } };
    return newest.history;
  };
}

/** Moments at which something else was known than what is known now of the time up to them. */
function misjudged(gap: SignedGap): readonly Spell[] {
  const late = { fromAt: gap.nextSignedAt, untilAt: knownFrom(gap) };
  const superseded = { fromAt: gap.lastSignedAt, untilAt: gap.supersededAt ?? gap.lastSignedAt };
  return [late, superseded].filter(({ fromAt, untilAt }) => fromAt < untilAt);
}

function known(history: NodeHistory, gaps: readonly SignedGap[], at: number): Partial<NodeHistory> {
  const stood = gaps
    .filter((gap) => knownFrom(gap) <= at && (gap.supersededAt ?? Number.POSITIVE_INFINITY) > at)
    .sort((one, other) => one.lastSignedAt - other.lastSignedAt);
  const signedUntil = stood.at(-1)?.nextSignedAt ?? history.registeredAt;
  // The first gap that became known later begins with the newest second of then; what begins before is part of a known one.
  const next = gaps
    .filter((gap) => knownFrom(gap) > at && gap.lastSignedAt >= signedUntil)
    .reduce<SignedGap | null>(
      (first, gap) => (first === null || gap.lastSignedAt < first.lastSignedAt ? gap : first),
      null,
    );
  return {
    gaps: stood,
    superseded: [],
    ...(next === null ? {} : { lastSignedAt: next.lastSignedAt, lastMaxAgeSeconds: next.maxAgeSeconds }),
  };
}

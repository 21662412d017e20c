/**
 * Time that a silent relayer excuses. Whoever sends heartbeats to the chain for many nodes can fail for all of them at
 * once; that proves nothing against them. Pure; unix seconds.
 */
import { HOUR_SECONDS, MAX_PAST_SECONDS, SCORING } from "./constants.ts";
import { expectedIntervalSeconds } from "./observedTime.ts";
import { covered, coveredSeconds, firstEndingAfter, type Spell } from "./spell.ts";

/** A relayer sent nothing between two of its heartbeats, or since its newest one, for more than 1.5 I. */
export interface RelayerSilence {
  /** Sender of heartbeat transactions. */
  readonly relayer: string;
  /** Block time of its last heartbeat before the silence. */
  readonly fromAt: number;
  /** Block time of its next one; null while it is silent. */
  readonly untilAt: number | null;
  /** `heartbeatMaxAge` in force at `fromAt`. */
  readonly maxAgeSeconds: number;
  /** Nodes of which it sent any heartbeat, repeats included, in the hour up to and including `fromAt`. */
  readonly carried: readonly { readonly nodeId: string; readonly operator: string }[];
  /** Operators of whose nodes anyone sent any heartbeat in that hour. */
  readonly operatorsHeard: number;
  /**
   * Operators of carried nodes of which another relayer sent a new signed second of any node after `fromAt`, before
   * `untilAt`, and within a day of `fromAt`.
   */
  readonly operatorsAliveElsewhere: readonly string[];
}

/** Whether a silence of `seconds` is one. */
export const isSilence = (seconds: number, maxAgeSeconds: number): boolean =>
  seconds > SCORING.excuseAfterIntervals * expectedIntervalSeconds(maxAgeSeconds);

/** Whether the silence tells of the relayer rather than of the nodes it carried. */
export function excuses(silence: RelayerSilence, now: number): boolean {
  const { fromAt, untilAt, maxAgeSeconds, carried, operatorsHeard, operatorsAliveElsewhere } = silence;
  const operators = new Set(carried.map(({ operator }) => operator));
  const alive = new Set(operatorsAliveElsewhere.filter((operator) => operators.has(operator)));
  return (
    isSilence(Math.min(now, untilAt ?? now) - fromAt, maxAgeSeconds) &&
    operators.size >= SCORING.excuseOperators &&
    operators.size >= SCORING.excuseOperatorShare * operatorsHeard &&
    alive.size < SCORING.aliveElsewhereShare * operators.size
  );
}

/**
 * The excused spells of each node that has any: disjoint, in order of time, at most 24 h in any 7 days, none after `now`.
 * @param silences - any order; those known at `now`.
 */
export function excusedSpells(
  silences: readonly RelayerSilence[],
  now: number,
): ReadonlyMap<string, readonly Spell[]> {
  const claims = new Map<string, Spell[]>();
  for (const silence of silences) {
    if (silence.fromAt >= now || !excuses(silence, now)) continue;
    const margin = SCORING.excuseMarginIntervals * expectedIntervalSeconds(silence.maxAgeSeconds);
    const spell = {
      fromAt: silence.fromAt - margin,
      untilAt: Math.min(now, (silence.untilAt ?? now) + margin),
    };
    for (const nodeId of new Set(silence.carried.map((node) => node.nodeId))) {
      const claimed = claims.get(nodeId) ?? [];
      claims.set(nodeId, claimed);
      claimed.push(spell);
    }
  }
  return new Map([...claims].map(([nodeId, spells]) => [nodeId, granted(spells, now)]));
}

/**
 * What of `claims` is granted, in order of time, when no window of 7 days may hold more than 24 h. Every step ends a claim
 * or moves one end of the window over an edge of a grant, and what was claimed more than `MAX_PAST_SECONDS` before `now`
 * counts for nothing: steps are bounded by the claims and the windows of that time, whatever the numbers are.
 * @throws {RangeError} when `now` is no time.
 */
export function granted(claims: readonly Spell[], now: number): readonly Spell[] {
  if (!Number.isFinite(now)) throw new RangeError(`now: ${now} is no time; give unix seconds`);
  const windowSeconds = SCORING.excusedWindowHours * HOUR_SECONDS;
  const limitSeconds = SCORING.excusedHours * HOUR_SECONDS;
  const grants: { fromAt: number; untilAt: number }[] = [];
  const grant = (fromAt: number, untilAt: number) => {
    const last = grants.at(-1);
    if (last !== undefined && last.untilAt === fromAt) last.untilAt = untilAt;
    else grants.push({ fromAt, untilAt });
  };
  for (const claim of covered(claims, now - MAX_PAST_SECONDS, now)) {
    let at = claim.fromAt;
    while (at < claim.untilAt) {
      const left = limitSeconds - coveredSeconds(grants, at - windowSeconds, at);
      // Grants slide out of the window as fast as time passes: what slides out may be granted anew.
      const leaving = grants[firstEndingAfter(grants, at - windowSeconds)];
      const slides = leaving !== undefined && leaving.fromAt <= at - windowSeconds;
      const changesAt =
        leaving === undefined
          ? Number.POSITIVE_INFINITY
          : (slides ? leaving.untilAt : leaving.fromAt) + windowSeconds;
      const until = Math.min(claim.untilAt, changesAt, slides ? Number.POSITIVE_INFINITY : at + left);
      if (left > 0 || slides) grant(at, until);
      const next = left > 0 || slides ? until : Math.min(claim.untilAt, changesAt);
      // Beyond 2^52 a step can be too small to be added.
      at = next > at ? next : claim.untilAt;
    }
  }
  return grants;
}

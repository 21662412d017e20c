/**
 * Each instant since a node's registration is up, down or unknown. Unknown time (disabled, or excused by a relayer's
 * silence) does not exist: it is neither success nor failure, and nothing ages during it. Unix seconds throughout.
 */
import { MAX_PAST_SECONDS, SCORING } from "./constants.ts";
import { covered, coveredSeconds, firstEndingAfter, type OpenSpell, type Spell } from "./spell.ts";

/** Two neighbouring distinct signed seconds of a node (its registration counts as one), and `heartbeatMaxAge` at the first. */
export interface SignedGap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  readonly maxAgeSeconds: number;
}

/** A node's life as its heartbeats and registry events tell it. */
export interface Life {
  readonly registeredAt: number;
  /** The gaps longer than 1.5 I between neighbouring signed seconds, in order of time. Shorter ones may be left out. */
  readonly gaps: readonly SignedGap[];
  /** The newest signed second, or the registration: the gap that is open now begins here. */
  readonly lastSignedAt: number;
  /** `heartbeatMaxAge` in force at `lastSignedAt`. */
  readonly lastMaxAgeSeconds: number;
  /** While it was disabled, or after it was removed. Any order. */
  readonly disabled: readonly OpenSpell[];
  /** See `excusedSpells`. Any order. */
  readonly excused: readonly OpenSpell[];
}

/** The time axis of one node at one moment. */
export interface ObservedClock {
  readonly registeredAt: number;
  readonly now: number;
  /** Disjoint, in order of time, within `[registeredAt, now)`. */
  readonly unknown: readonly Spell[];
}

/** I, the interval at which a node is expected to sign. @param maxAgeSeconds - an admin may set any value. */
export const expectedIntervalSeconds = (maxAgeSeconds: number): number =>
  Math.min(
    SCORING.mostIntervalSeconds,
    Math.max(SCORING.leastIntervalSeconds, SCORING.expectedIntervalShare * maxAgeSeconds),
  );

/** @throws {RangeError} when `now` lies before the registration, or more than `MAX_PAST_SECONDS` after it. */
export function observedClock(life: Life, now: number): ObservedClock {
  const { registeredAt, disabled, excused } = life;
  if (!(registeredAt <= now && now - registeredAt <= MAX_PAST_SECONDS))
    throw new RangeError(
      `now: ${now} is not within ${MAX_PAST_SECONDS} s after the registration at ${registeredAt}; give a moment of the node's life`,
    );
  const none = disabled.length === 0 && excused.length === 0;
  return { registeredAt, now, unknown: none ? [] : covered([...disabled, ...excused], registeredAt, now) };
}

/** Observed seconds of `[fromAt, untilAt)`, which must lie within the clock's time. */
export const observedSeconds = ({ unknown }: ObservedClock, fromAt: number, untilAt: number): number =>
  unknown.length === 0 ? untilAt - fromAt : untilAt - fromAt - coveredSeconds(unknown, fromAt, untilAt);

/** The first instant by which `seconds` of observed time have passed since `fromAt`. */
export function afterObserved({ unknown }: ObservedClock, fromAt: number, seconds: number): number {
  let at = fromAt + seconds;
  for (let index = firstEndingAfter(unknown, fromAt); index < unknown.length; index++) {
    const spell = unknown[index];
    if (spell === undefined || spell.fromAt >= at) break;
    at += spell.untilAt - Math.max(fromAt, spell.fromAt);
  }
  return at;
}

/**
 * The spells during which the node was down, disjoint and in order of time: of each gap of more than 1.5 I, all but the
 * first I. Both are measured in observed time. Unknown time inside a spell is left for the clock to skip.
 */
export function downSpells(life: Life, clock: ObservedClock): readonly Spell[] {
  const { registeredAt, now, unknown } = clock;
  const spells: Spell[] = [];
  const judge = (lastSignedAt: number, nextSignedAt: number, maxAgeSeconds: number) => {
    const fromAt = Math.max(registeredAt, lastSignedAt);
    const untilAt = Math.min(now, nextSignedAt);
    const interval = expectedIntervalSeconds(maxAgeSeconds);
    if (untilAt - fromAt <= SCORING.toleratedIntervals * interval) return;
    if (unknown.length > 0) {
      if (observedSeconds(clock, fromAt, untilAt) <= SCORING.toleratedIntervals * interval) return;
      spells.push({ fromAt: afterObserved(clock, fromAt, interval), untilAt });
    } else spells.push({ fromAt: fromAt + interval, untilAt });
  };
  for (const gap of life.gaps) {
    if (gap.lastSignedAt >= now) break;
    judge(gap.lastSignedAt, gap.nextSignedAt, gap.maxAgeSeconds);
  }
  if (life.lastSignedAt < now) judge(life.lastSignedAt, now, life.lastMaxAgeSeconds);
  return spells;
}

/** Whether the node has stopped at `at`: disabled or removed then, or in a gap that proves long by the clock's now. */
export function isStopped(life: Life, clock: ObservedClock, at: number): boolean {
  const within = ({ fromAt, untilAt }: OpenSpell) => fromAt <= at && (untilAt === null || at < untilAt);
  if (life.disabled.some(within)) return true;
  const tooLong = (lastSignedAt: number, nextSignedAt: number, maxAgeSeconds: number) =>
    lastSignedAt <= at &&
    at < nextSignedAt &&
    observedSeconds(clock, lastSignedAt, Math.min(nextSignedAt, clock.now)) >
      SCORING.toleratedIntervals * expectedIntervalSeconds(maxAgeSeconds);
  return (
    life.gaps.some((gap) => tooLong(gap.lastSignedAt, gap.nextSignedAt, gap.maxAgeSeconds)) ||
    tooLong(life.lastSignedAt, Number.POSITIVE_INFINITY, life.lastMaxAgeSeconds)
  );
}

/** Whether there is any moment up to the clock's now for which `isStopped` may hold. */
export const everStopped = (
  { disabled, gaps, lastSignedAt, lastMaxAgeSeconds }: Life,
  { now }: ObservedClock,
) =>
  disabled.length > 0 ||
  gaps.length > 0 ||
  now - lastSignedAt > SCORING.toleratedIntervals * expectedIntervalSeconds(lastMaxAgeSeconds);

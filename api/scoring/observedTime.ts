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
  /** Block time at which it became known; absent: when it ended. */
  readonly knownAt?: number | undefined;
  /** Block time at which a late heartbeat replaced it; absent while it stands. */
  readonly supersededAt?: number | undefined;
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

/** A spell during which a node was down, and I of the gap that it belongs to. */
export interface DownSpell extends Spell {
  readonly intervalSeconds: number;
}

/**
 * The spells during which the node was down, disjoint and in order of time: of each gap of more than 1.5 I, all but the
 * first I. Both are measured in observed time. Unknown time inside a spell is left for the clock to skip.
 */
export function downSpells(life: Life, clock: ObservedClock): readonly Spell[] {
  const spells: Spell[] = [];
  findDown(life, clock, (fromAt, untilAt) => spells.push({ fromAt, untilAt }));
  return spells;
}

/** The same, each with the interval that it was judged by. */
export function judgedDownSpells(life: Life, clock: ObservedClock): readonly DownSpell[] {
  const spells: DownSpell[] = [];
  findDown(life, clock, (fromAt, untilAt, intervalSeconds) =>
    spells.push({ fromAt, untilAt, intervalSeconds }),
  );
  return spells;
}

function findDown(
  life: Life,
  clock: ObservedClock,
  found: (fromAt: number, untilAt: number, intervalSeconds: number) => void,
): void {
  const { registeredAt, now, unknown } = clock;
  const judge = (lastSignedAt: number, nextSignedAt: number, maxAgeSeconds: number) => {
    const fromAt = Math.max(registeredAt, lastSignedAt);
    const untilAt = Math.min(now, nextSignedAt);
    const interval = expectedIntervalSeconds(maxAgeSeconds);
    if (untilAt - fromAt <= SCORING.toleratedIntervals * interval) return;
    if (unknown.length > 0) {
      if (observedSeconds(clock, fromAt, untilAt) <= SCORING.toleratedIntervals * interval) return;
      found(afterObserved(clock, fromAt, interval), untilAt, interval);
    } else found(fromAt + interval, untilAt, interval);
  };
  for (const gap of life.gaps) {
    if (gap.lastSignedAt >= now) break;
    judge(gap.lastSignedAt, gap.nextSignedAt, gap.maxAgeSeconds);
  }
  if (life.lastSignedAt < now) judge(life.lastSignedAt, now, life.lastMaxAgeSeconds);
}

/** Whether the node has stopped at `at` by what is known then: disabled, removed, or silent for more than 1.5 I. */
export function isStopped(life: Life, clock: ObservedClock, at: number): boolean {
  const within = ({ fromAt, untilAt }: OpenSpell) => fromAt <= at && (untilAt === null || at < untilAt);
  if (life.disabled.some(within)) return true;
  const isSilent = (lastSignedAt: number, maxAgeSeconds: number) =>
    observedSeconds(clock, Math.max(clock.registeredAt, lastSignedAt), at) >
    SCORING.toleratedIntervals * expectedIntervalSeconds(maxAgeSeconds);
  if (life.lastSignedAt <= at) return isSilent(life.lastSignedAt, life.lastMaxAgeSeconds);
  const open = life.gaps.findLast((gap) => gap.lastSignedAt <= at);
  return open !== undefined && at < open.nextSignedAt && isSilent(open.lastSignedAt, open.maxAgeSeconds);
}

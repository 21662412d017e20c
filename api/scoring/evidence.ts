/**
 * Evidence in hours, at two half-lives at once. An instant of observed age x weighs 2^(−x/H); sums over spells are
 * closed, (H / ln 2)(2^(−x₁/H) − 2^(−x₀/H)), rolled up per UTC day and folded day by day in order of time: the same rows
 * give the same bytes, whether the older days were folded before or just now.
 */
import { DAY_SECONDS, HOUR_SECONDS, SCORING } from "./constants.ts";
import { type ObservedClock, observedSeconds } from "./observedTime.ts";
import type { Spell } from "./spell.ts";

/** Hours, weighed by age with the slow and with the fast half-life. */
export interface Weighed {
  readonly slow: number;
  readonly fast: number;
}

/** What speaks for a node, and what against it. */
export interface Evidence {
  readonly up: Weighed;
  readonly down: Weighed;
}

/** Hours of one UTC day, of ages counted from the day's end (from now, while the day goes on). */
export interface DayHours extends Weighed {
  /** Unix seconds. */
  readonly endsAt: number;
}

const SLOW_RATE = Math.LN2 / (SCORING.slowHalfLifeHours * HOUR_SECONDS);
const FAST_RATE = Math.LN2 / (SCORING.fastHalfLifeHours * HOUR_SECONDS);

export const NOTHING: Weighed = { slow: 0, fast: 0 };
export const NO_EVIDENCE: Evidence = { up: NOTHING, down: NOTHING };

/** The same hours when `seconds` more of observed time have passed. */
export const aged = ({ slow, fast }: Weighed, seconds: number): Weighed => ({
  slow: slow * Math.exp(-SLOW_RATE * seconds),
  fast: fast * Math.exp(-FAST_RATE * seconds),
});

export const plus = (one: Weighed, other: Weighed): Weighed => ({
  slow: one.slow + other.slow,
  fast: one.fast + other.fast,
});

/** Weight of the stretch of `seconds` whose newest instant is `age` seconds old, in hours. */
const stretch = (rate: number, age: number, seconds: number): number =>
  (Math.exp(-rate * age) * -Math.expm1(-rate * seconds)) / (rate * HOUR_SECONDS);

/** All hours since the node's registration. */
export function totalHours(clock: ObservedClock): Weighed {
  const seconds = observedSeconds(clock, clock.registeredAt, clock.now);
  return { slow: stretch(SLOW_RATE, 0, seconds), fast: stretch(FAST_RATE, 0, seconds) };
}

/** End of the UTC day that `at` lies in. */
export const dayEnd = (at: number): number => (Math.floor(at / DAY_SECONDS) + 1) * DAY_SECONDS;

/** A spell whose hours count `worth` times. */
export interface WorthSpell extends Spell {
  readonly worth: number;
}

/**
 * The hours that `spells` weigh, day by day; days without any are left out.
 * @param spells - disjoint, in order of time; `worth` is 1 where it is absent.
 * @param within - what lies outside is left out.
 */
export function rollUp(
  clock: ObservedClock,
  spells: readonly (Spell | WorthSpell)[],
  within: Spell,
): readonly DayHours[] {
  const days: { endsAt: number; slow: number; fast: number }[] = [];
  let day = { endsAt: Number.NEGATIVE_INFINITY, slow: 0, fast: 0 };
  for (const spell of spells) {
    const worth = "worth" in spell ? spell.worth : 1;
    const untilAt = Math.min(within.untilAt, spell.untilAt);
    let fromAt = Math.max(within.fromAt, spell.fromAt);
    while (fromAt < untilAt) {
      const endsAt = Math.min(clock.now, dayEnd(fromAt));
      if (endsAt !== day.endsAt) {
        day = { endsAt, slow: 0, fast: 0 };
        days.push(day);
      }
      const until = Math.min(untilAt, endsAt);
      const age = observedSeconds(clock, until, endsAt);
      const seconds = observedSeconds(clock, fromAt, until);
      day.slow += worth * stretch(SLOW_RATE, age, seconds);
      day.fast += worth * stretch(FAST_RATE, age, seconds);
      fromAt = until;
    }
  }
  return days;
}

/** Adds `days` to what was folded before them; null when there was nothing and is nothing. */
export function foldDays(
  clock: ObservedClock,
  earlier: DayHours | null,
  days: readonly DayHours[],
): DayHours | null {
  let folded = earlier;
  for (const day of days)
    folded =
      folded === null
        ? day
        : {
            endsAt: day.endsAt,
            ...plus(aged(folded, observedSeconds(clock, folded.endsAt, day.endsAt)), day),
          };
  return folded;
}

/** Folded days as of the clock's now. */
export const hoursNow = (clock: ObservedClock, folded: DayHours | null): Weighed =>
  folded === null ? NOTHING : aged(folded, observedSeconds(clock, folded.endsAt, clock.now));

/** Everything that was not down was up. */
export function upAndDown(clock: ObservedClock, down: Weighed): Evidence {
  const total = totalHours(clock);
  return {
    up: { slow: Math.max(0, total.slow - down.slow), fast: Math.max(0, total.fast - down.fast) },
    down,
  };
}

/** Published as `nEff`: hours of slow evidence, at most 168 / ln 2 = 242.4. */
export const evidenceHours = ({ up, down }: Evidence): number => up.slow + down.slow;

export const addEvidence = (one: Evidence, other: Evidence): Evidence => ({
  up: plus(one.up, other.up),
  down: plus(one.down, other.down),
});

export const agedEvidence = ({ up, down }: Evidence, seconds: number): Evidence => ({
  up: aged(up, seconds),
  down: aged(down, seconds),
});

/** @param all - at least one. */
export function meanEvidence(all: readonly Evidence[]): Evidence {
  const sum = { upSlow: 0, upFast: 0, downSlow: 0, downFast: 0 };
  // In place: an operator may have thousands of keys.
  for (const { up, down } of all) {
    sum.upSlow += up.slow;
    sum.upFast += up.fast;
    sum.downSlow += down.slow;
    sum.downFast += down.fast;
  }
  const share = 1 / all.length;
  return {
    up: { slow: sum.upSlow * share, fast: sum.upFast * share },
    down: { slow: sum.downSlow * share, fast: sum.downFast * share },
  };
}

/** One node's past, prepared once to be asked for its record as of many earlier moments. Unix seconds. */
import { DAY_SECONDS, HOUR_SECONDS, SCORING } from "./constants.ts";
import {
  type DayHours,
  foldDays,
  hoursNow,
  rollUp,
  upAndDown,
  type Weighed,
  type WorthSpell,
} from "./evidence.ts";
import { type NodeHistory, type NodeRecord, probeSpells, withInherited } from "./nodeRecord.ts";
import {
  afterObserved,
  type DownSpell,
  judgedDownSpells,
  type ObservedClock,
  observedClock,
  observedSeconds,
} from "./observedTime.ts";
import { firstEndingAfter, type Spell } from "./spell.ts";

/** Evidence of one kind: its spells, and its finished days folded up to each of them. */
class Track {
  readonly #spells: readonly (Spell | WorthSpell)[];
  readonly #folded: readonly DayHours[];

  constructor(
    clock: ObservedClock,
    earlier: DayHours | null,
    spells: readonly (Spell | WorthSpell)[],
    fromAt: number,
  ) {
    this.#spells = spells;
    const folded: DayHours[] = earlier === null ? [] : [earlier];
    const finished = { fromAt, untilAt: Math.floor(clock.now / DAY_SECONDS) * DAY_SECONDS };
    for (const day of rollUp(clock, spells, finished))
      folded.push(foldDays(clock, folded.at(-1) ?? null, [day]) ?? day);
    this.#folded = folded;
  }

  /**
   * @param clock - of the moment asked about.
   * @param fromAt - where its last unfolded stretch may begin.
   * @param untilAt - what lies after it is not known at that moment.
   */
  hoursAt(clock: ObservedClock, fromAt: number, untilAt: number): Weighed {
    const midnight = Math.max(fromAt, Math.floor(untilAt / DAY_SECONDS) * DAY_SECONDS);
    const spells: (Spell | WorthSpell)[] = [];
    for (let index = firstEndingAfter(this.#spells, midnight); index < this.#spells.length; index++) {
      const spell = this.#spells[index];
      if (spell === undefined || spell.fromAt >= untilAt) break;
      spells.push(spell);
    }
    const today = rollUp(clock, spells, { fromAt: midnight, untilAt });
    return hoursNow(clock, foldDays(clock, this.#lastBefore(untilAt), today));
  }

  /** The newest folded day that is over at `at`. */
  #lastBefore(at: number): DayHours | null {
    let low = 0;
    let high = this.#folded.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#folded[middle]?.endsAt ?? at) <= at) low = middle + 1;
      else high = middle;
    }
    return this.#folded[low - 1] ?? null;
  }
}

/** Equal to what `recordAt` says of the moment. */
export class NodePast {
  readonly history: NodeHistory;
  readonly clock: ObservedClock;
  readonly down: readonly DownSpell[];
  readonly #since: number;
  readonly #tracks: Readonly<Record<"down" | "reached" | "unreached" | "latency" | "latencyLog2", Track>>;

  /** @param now - no moment after it can be asked about. */
  constructor(history: NodeHistory, now: number) {
    const { folded, registeredAt } = history;
    this.history = history;
    this.clock = observedClock(history, now);
    this.down = judgedDownSpells(history, this.clock);
    this.#since = Math.max(registeredAt, folded?.before ?? registeredAt);
    const { reached, unreached, latency, latencyLog2 } = probeSpells(history, now);
    const track = (earlier: DayHours | null | undefined, spells: readonly (Spell | WorthSpell)[]) =>
      new Track(this.clock, earlier ?? null, spells, this.#since);
    this.#tracks = {
      down: track(folded?.down, this.down),
      reached: track(folded?.reached, reached),
      unreached: track(folded?.unreached, unreached),
      latency: track(folded?.latency, latency),
      latencyLog2: track(folded?.latencyLog2, latencyLog2),
    };
  }

  /**
   * The moment as of which the node's record counts in its owner's pool at `at`: while it is dark, at most 24 h after that
   * began; while it is disabled, when that began.
   */
  poolMoment(at: number): number {
    const { unknown } = this.clock;
    // A pause that ends at this very second may only seem to: it is clipped where the past ends.
    const pause = unknown[firstEndingAfter(unknown, at - 1)];
    const awake = pause !== undefined && pause.fromAt < at ? pause.fromAt : at;
    const dark = this.down[firstEndingAfter(this.down, awake - 1)];
    if (dark === undefined || dark.fromAt >= awake) return awake;
    return Math.min(awake, afterObserved(this.clock, dark.fromAt, SCORING.darkHoursInPool * HOUR_SECONDS));
  }

  /**
   * @param at - between the registration and the `now` it was made for.
   * @throws {RangeError} when `at` lies within the days that were folded.
   */
  recordAt(at: number, inherited: NodeRecord | null): NodeRecord {
    if (at < this.#since)
      throw new RangeError(
        `node ${this.history.nodeId} is folded up to ${this.#since}: give the rows before it to ask about ${at}`,
      );
    const clock: ObservedClock = { ...this.clock, now: at };
    const { down, reached, unreached, latency, latencyLog2 } = this.#tracks;
    const probedUntil = this.#probedUntil(at);
    const hours = (track: Track, untilAt = probedUntil) =>
      track.hoursAt(clock, this.#since, Math.max(this.#since, untilAt));
    return withInherited(
      {
        uptime: upAndDown(clock, hours(down, this.#downKnownUntil(at))),
        reachability: { up: hours(reached), down: hours(unreached) },
        latency: { hours: hours(latency).slow, log2Hours: hours(latencyLog2).slow },
      },
      inherited,
      clock,
    );
  }

  /** Up to when what is down is known at the clock's now: an open gap counts only once it is longer than 1.5 I. */
  #downKnownUntil(now: number): number {
    const open = this.down[firstEndingAfter(this.down, now - 1)];
    if (open === undefined || open.fromAt >= now) return now;
    const silentSeconds = open.intervalSeconds + observedSeconds(this.clock, open.fromAt, now);
    return silentSeconds > SCORING.toleratedIntervals * open.intervalSeconds ? now : open.fromAt;
  }

  /** Up to when probes are known at `now`: one that ends later says nothing yet. */
  #probedUntil(now: number): number {
    const { probes } = this.history;
    let low = 0;
    let high = probes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((probes[middle]?.at ?? now) <= now) low = middle + 1;
      else high = middle;
    }
    const next = probes[low];
    return next === undefined ? now : Math.min(now, next.at - next.coversSeconds);
  }
}

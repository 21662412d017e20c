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
import { afterObserved, downSpells, type ObservedClock, observedClock } from "./observedTime.ts";
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

  /** @param clock - of the moment asked about. @param fromAt - where its last unfolded stretch may begin. */
  hoursAt(clock: ObservedClock, fromAt: number): Weighed {
    const midnight = Math.max(fromAt, Math.floor(clock.now / DAY_SECONDS) * DAY_SECONDS);
    const spells: (Spell | WorthSpell)[] = [];
    for (let index = firstEndingAfter(this.#spells, midnight); index < this.#spells.length; index++) {
      const spell = this.#spells[index];
      if (spell === undefined || spell.fromAt >= clock.now) break;
      spells.push(spell);
    }
    const today = rollUp(clock, spells, { fromAt: midnight, untilAt: clock.now });
    return hoursNow(clock, foldDays(clock, this.#lastBefore(clock.now), today));
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

/** Equal to what `recordAt` says of the moment, but for gaps that only later prove too long, and probes that end later: here they count. */
export class NodePast {
  readonly history: NodeHistory;
  readonly clock: ObservedClock;
  readonly down: readonly Spell[];
  readonly #since: number;
  readonly #tracks: Readonly<Record<"down" | "reached" | "unreached" | "latency" | "latencyLog2", Track>>;

  /** @param now - everything that is known by then counts. */
  constructor(history: NodeHistory, now: number) {
    const { folded, registeredAt } = history;
    this.history = history;
    this.clock = observedClock(history, now);
    this.down = downSpells(history, this.clock);
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
    const pause = unknown[firstEndingAfter(unknown, at)];
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
    const hours = (track: Track) => track.hoursAt(clock, this.#since);
    return withInherited(
      {
        uptime: upAndDown(clock, hours(down)),
        reachability: { up: hours(reached), down: hours(unreached) },
        latency: { hours: hours(latency).slow, log2Hours: hours(latencyLog2).slow },
      },
      inherited,
      clock,
    );
  }
}

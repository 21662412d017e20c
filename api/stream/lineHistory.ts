/** Where everyone was on one line, and when: whoever was told up to there goes on with what was told to everyone since. */
import { encodeLine, type Line, type StreamPlace } from "./place.ts";

/** A place on the line, and the number of the event with which everyone got there. */
export interface Passed {
  readonly place: StreamPlace;
  readonly number: number;
}

/** Enough for as many events as are kept, and hours in which nothing visible happens. */
const MOST = 8_192;

export class LineHistory {
  readonly #line: Line;
  /** By name, in the order in which everyone was there last. */
  readonly #passed = new Map<string, Passed>();
  #now: string | null = null;
  /** The number of the line's last event. */
  #lastEvent = 0;

  constructor(line: Line) {
    this.#line = line;
  }

  /** An event of the line was told. */
  tell(number: number): void {
    this.#lastEvent = number;
  }

  /** Everyone is at a place from an event on, of whichever line. */
  pass(place: StreamPlace, number: number): void {
    const name = encodeLine(this.#line, place);
    if (name === this.#now) return;
    this.#now = name;
    this.#passed.delete(name);
    this.#passed.set(name, { place, number });
    const [oldest] = this.#passed.keys();
    if (this.#passed.size > MOST && oldest !== undefined) this.#passed.delete(oldest);
  }

  /** What was told may be void: whoever was told it has to be asked where that still holds. */
  clear(): void {
    this.#passed.clear();
    this.#now = null;
  }

  /** When everyone was at a place last; null when that is not remembered, or nobody ever was. */
  find(place: StreamPlace): Passed | null {
    return this.#passed.get(encodeLine(this.#line, place)) ?? null;
  }

  /** The newest first. */
  get all(): readonly Passed[] {
    return [...this.#passed.values()].reverse();
  }

  /** Whether nothing of the line was told since. */
  isLast({ number }: Passed): boolean {
    return this.#lastEvent <= number;
  }
}

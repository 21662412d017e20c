/** Schedules retries of things that could not be read: each on its own, with exponential back-off. */

const FIRST_DELAY_MS = 2_000;

interface Attempt<Thing> {
  readonly thing: Thing;
  readonly failures: number;
  readonly nextAtMs: number;
}

export class Retries<Thing> {
  readonly #attempts = new Map<string, Attempt<Thing>>();

  constructor(
    private readonly maxDelayMs: number,
    private readonly nameOf: (thing: Thing) => string,
  ) {}

  fail(thing: Thing, nowMs: number): void {
    const name = this.nameOf(thing);
    const failures = (this.#attempts.get(name)?.failures ?? 0) + 1;
    const delayMs = Math.min(this.maxDelayMs, FIRST_DELAY_MS * 2 ** (failures - 1));
    this.#attempts.set(name, { thing, failures, nextAtMs: nowMs + delayMs });
  }

  succeed(thing: Thing): void {
    this.#attempts.delete(this.nameOf(thing));
  }

  /** Whether its next attempt is still in the future. */
  waits(thing: Thing, nowMs: number): boolean {
    const attempt = this.#attempts.get(this.nameOf(thing));
    return attempt !== undefined && attempt.nextAtMs > nowMs;
  }

  /** Everything whose next attempt is still in the future. */
  waiting(nowMs: number): readonly Thing[] {
    return [...this.#attempts.values()].filter(({ nextAtMs }) => nextAtMs > nowMs).map(({ thing }) => thing);
  }

  /** Everything that is due, the longest overdue first. */
  due(nowMs: number): readonly Thing[] {
    return [...this.#attempts.values()]
      .filter(({ nextAtMs }) => nextAtMs <= nowMs)
      .sort((a, b) => a.nextAtMs - b.nextAtMs)
      .map(({ thing }) => thing);
  }

  /** Forgets everything but `things`. */
  keepOnly(things: readonly Thing[]): void {
    const known = new Set(things.map(this.nameOf));
    for (const name of this.#attempts.keys()) if (!known.has(name)) this.#attempts.delete(name);
  }
}

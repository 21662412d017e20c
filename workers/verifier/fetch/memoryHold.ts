/** Bounds what blobs under way take: small ones are free, large ones wait for one of a few places. */

/** A blob beyond it needs a place. A batch of a thousand leaves is smaller. */
const FREE_BYTES = 1024 * 1024;

export class LargeBlobPlaces {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** What one job's blob holds, from the first byte that arrives until it was checked. */
export class MemoryHold {
  #taken: Promise<void> | undefined;

  constructor(private readonly places: LargeBlobPlaces) {}

  /** Whether a blob of this many bytes has to `wait` first. */
  mustWait(bytes: number): boolean {
    return bytes > FREE_BYTES && this.#taken === undefined;
  }

  /** Resolves when a place is free; it is this blob's until `release`. */
  wait(): Promise<void> {
    this.#taken ??= this.places.take();
    return this.#taken;
  }

  release(): void {
    // one that is still waiting gives its place back when it gets it
    void this.#taken?.then(() => this.places.giveBack());
    this.#taken = undefined;
  }
}

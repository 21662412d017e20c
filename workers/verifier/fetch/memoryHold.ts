/** Bounds the memory of blobs in flight: small ones are free, large ones need one of a few slots. */

/** A larger blob needs a slot. A batch of a thousand leaves is smaller. */
const FREE_BYTES = 1024 * 1024;

/** A semaphore for large blobs; waiters are served in order. */
export class LargeBlobSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(slots: number) {
    this.#free = slots;
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

/** The memory of one job's blob, from its first byte until its outcome is recorded. */
export class MemoryHold {
  #acquired: Promise<void> | undefined;

  constructor(private readonly slots: LargeBlobSlots) {}

  /** Whether a blob of this many bytes has to `wait` first. */
  mustWait(bytes: number): boolean {
    return bytes > FREE_BYTES && this.#acquired === undefined;
  }

  /** Resolves once a slot is free; this blob keeps it until `release`. */
  wait(): Promise<void> {
    this.#acquired ??= this.slots.acquire();
    return this.#acquired;
  }

  release(): void {
    // a hold that is still waiting releases its slot as soon as it gets one
    void this.#acquired?.then(() => this.slots.release());
    this.#acquired = undefined;
  }
}

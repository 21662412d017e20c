/**
 * A schedule of actions. The same actions write the history, as fast as the chain accepts them, and then continue live: an
 * action runs when a block reaches its time, and schedules its successors.
 */

/** Runs in the block that is being made. @param now - that block's timestamp. */
export type Act = (now: number) => void | Promise<void>;

interface Entry {
  readonly at: number;
  readonly sequence: number;
  readonly act: Act;
}

/** Acts in the order of their time; equal times keep the order of planning. */
export class Timeline {
  /** A binary heap. */
  readonly #entries: Entry[] = [];
  #sequence = 0;

  plan(at: number, act: Act): void {
    const entries = this.#entries;
    let index = entries.push({ at, sequence: this.#sequence++, act }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapUnlessOrdered(parent, index)) break;
      index = parent;
    }
  }

  /** When the next act is due. */
  get next(): number | undefined {
    return this.#entries[0]?.at;
  }

  /** Runs every act due until `now`, those planned on the way included. */
  async runUntil(now: number): Promise<void> {
    for (let entry = this.#take(now); entry; entry = this.#take(now)) await entry.act(now);
  }

  #take(until: number): Entry | undefined {
    const entries = this.#entries;
    const first = entries[0];
    if (!first || first.at > until) return undefined;
    const last = entries.pop();
    if (last && entries.length > 0) {
      entries[0] = last;
      for (let index = 0; ; ) {
        const left = 2 * index + 1;
        const child = this.#before(left + 1, left) ? left + 1 : left;
        if (child >= entries.length || !this.#swapUnlessOrdered(index, child)) break;
        index = child;
      }
    }
    return first;
  }

  #before(a: number, b: number): boolean {
    const [left, right] = [this.#entries[a], this.#entries[b]];
    if (!left || !right) return false;
    return left.at !== right.at ? left.at < right.at : left.sequence < right.sequence;
  }

  #swapUnlessOrdered(parent: number, child: number): boolean {
    if (!this.#before(child, parent)) return false;
    const [upper, lower] = [this.#entries[parent], this.#entries[child]];
    if (!upper || !lower) return false;
    this.#entries[parent] = lower;
    this.#entries[child] = upper;
    return true;
  }
}

/** Group commit: items that arrive while a transaction is running go into the next one together. */

export class GroupCommit<T> {
  readonly #waiting: { item: T; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running = false;

  /**
   * @param commit - records items in one transaction.
   * @param weigh - an item's share of `limit`.
   * @param limit - the weight at which a transaction is full; a heavier item gets a transaction of its own.
   */
  constructor(
    private readonly commit: (items: readonly T[]) => Promise<unknown>,
    private readonly weigh: (item: T) => number,
    private readonly limit: number,
  ) {}

  /** Resolves when the item is recorded. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.commit(group.map(({ item }) => item));
        for (const { resolve } of group) resolve();
      } catch (error) {
        if (group.length === 1) group[0]?.reject(error);
        // one bad item must not fail the others
        else for (const { item, resolve, reject } of group) await this.commit([item]).then(resolve, reject);
      }
    }
    this.#running = false;
  }

  #takeGroup() {
    let weight = 0;
    let count = 0;
    for (const { item } of this.#waiting) {
      weight += this.weigh(item);
      if (count > 0 && weight > this.limit) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

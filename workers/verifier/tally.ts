/** Counts the work done since the last report, for the log. */
export class Tally {
  readonly #counts = new Map<string, number>();

  batch(state: string, leaves: number): void {
    this.#add("batches", 1);
    this.#add("leaves", leaves);
    if (state !== "proven") this.#add(`batches ${state}`, 1);
  }

  payload(state: string): void {
    this.#add("payloads", 1);
    if (state === "pending" || state === "unavailable") this.#add(`payloads ${state}`, 1);
  }

  signatures(count: number): void {
    this.#add("signatures", count);
  }

  /** Summarises the counts in one line and resets them; undefined when nothing was done. */
  take(): string | undefined {
    if (this.#counts.size === 0) return undefined;
    const counts = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([, count]) => count > 0);
    this.#counts.clear();
    return `checked in the last minute: ${counts.map(([what, count]) => `${count} ${what}`).join(", ")}`;
  }

  #add(what: string, count: number): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }
}

/** What was done since the last look, for the log. */
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

  /** One line, and from zero again; undefined when nothing was done. */
  take(): string | undefined {
    if (this.#counts.size === 0) return undefined;
    const told = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)).filter(([, count]) => count > 0);
    this.#counts.clear();
    return `checked in the last minute: ${told.map(([what, count]) => `${count} ${what}`).join(", ")}`;
  }

  #add(what: string, count: number): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count);
  }
}

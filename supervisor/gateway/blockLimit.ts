/**
 * The most blocks that an endpoint takes in one eth_getLogs: learnt from refusals, tried to be widened after many
 * successes, because plans change and a refusal may have been about something else.
 */
const FIRST_TRY_AFTER = 50;
const LAST_TRY_AFTER = 1_600;

export class BlockLimit {
  #blocks = Number.POSITIVE_INFINITY;
  #successes = 0;
  #tryAfter = FIRST_TRY_AFTER;

  /** Infinite while none is known. */
  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Learns from a refusal of `refused` blocks, at least 2.
   * @param named - the limit in the refusal's text.
   * @returns whether the limit is another one now.
   */
  refused(refused: number, named: number | undefined): boolean {
    // a range is never shrunk by one: where a limit counts otherwise than we do, one refusal more must settle it
    const blocks = Math.max(1, named !== undefined && named < refused ? named : Math.floor(refused / 2));
    if (blocks >= this.#blocks) return false;
    this.#blocks = blocks;
    this.#successes = 0;
    return true;
  }

  /** Counts an answer to a question as wide as the limit. */
  answered(blocks: number): void {
    if (blocks < this.#blocks) return;
    this.#successes += 1;
    if (this.#successes < this.#tryAfter) return;
    this.#successes = 0;
    this.#tryAfter = Math.min(LAST_TRY_AFTER, this.#tryAfter * 2);
    this.#blocks *= 2;
  }
}

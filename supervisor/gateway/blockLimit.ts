/**
 * The largest block range that an endpoint accepts in one eth_getLogs. It is learnt from refusals and widened again after
 * many successes, because plans change and a refusal may have had another cause.
 */
const FIRST_WIDEN_AFTER = 50;
const MAX_WIDEN_AFTER = 1_600;

export class BlockLimit {
  #blocks = Number.POSITIVE_INFINITY;
  #successes = 0;
  #widenAfter = FIRST_WIDEN_AFTER;

  /** Infinite while none is known. */
  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Learns from a refusal of `refused` blocks, at least 2.
   * @param named - the limit in the refusal's text.
   * @returns whether the limit changed.
   */
  refused(refused: number, named: number | undefined): boolean {
    // never shrink by a single block: where a provider counts blocks differently, one more refusal must settle it
    const blocks = Math.max(1, named !== undefined && named < refused ? named : Math.floor(refused / 2));
    if (blocks >= this.#blocks) return false;
    this.#blocks = blocks;
    this.#successes = 0;
    return true;
  }

  /** Counts a success for a range as wide as the limit. */
  answered(blocks: number): void {
    if (blocks < this.#blocks) return;
    this.#successes += 1;
    if (this.#successes < this.#widenAfter) return;
    this.#successes = 0;
    this.#widenAfter = Math.min(MAX_WIDEN_AFTER, this.#widenAfter * 2);
    this.#blocks *= 2;
  }
}

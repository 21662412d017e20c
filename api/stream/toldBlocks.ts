/** Which blocks of a chain this process told of, those that a reorg took back included. */
import type { ChainPlace } from "./place.ts";

/** More than a reorg can take back. */
const MOST = 256;

export class ToldBlocks {
  /** In the order of telling. */
  #blocks: readonly ChainPlace[] = [];

  add(place: ChainPlace): void {
    this.#blocks = [...this.#blocks, place].slice(-MOST);
  }

  /** What was told of before a block, the newest first; nothing when it was not told of. */
  before({ block, hash }: ChainPlace): readonly ChainPlace[] {
    const index = this.#blocks.findLastIndex((told) => told.block === block && told.hash === hash);
    return index < 0 ? [] : this.#blocks.slice(0, index).reverse();
  }
}

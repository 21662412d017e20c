/** Which blocks of a chain this process told of, those that a reorg took back included. */
import type { ChainPlace } from "./place.ts";

/** More than a reorg can take back. */
const MOST = 256;

const isSame = (one: ChainPlace, other: ChainPlace): boolean =>
  one.block === other.block && one.hash === other.hash;

export class ToldBlocks {
  /** In the order of telling. */
  #all: readonly ChainPlace[] = [];
  /** Those that are on the chain as it is told of now. */
  #standing: readonly ChainPlace[] = [];

  add(place: ChainPlace): void {
    this.#all = [...this.#all, place].slice(-MOST);
    this.#standing = [...this.#standing, place].slice(-MOST);
  }

  /** The chain goes on after this block. */
  resetTo(place: ChainPlace): void {
    this.#standing = this.#standing.filter(({ block }) => block < place.block);
    this.add(place);
  }

  stands(place: ChainPlace): boolean {
    return this.#standing.some((told) => isSame(told, place));
  }

  /** What was told of before a block, the newest first; nothing when it was not told of. */
  before(place: ChainPlace): readonly ChainPlace[] {
    const index = this.#all.findLastIndex((told) => isSame(told, place));
    return index < 0 ? [] : this.#all.slice(0, index).reverse();
  }
}

/** The blocks of a chain that this process has published, including those that a reorg has since replaced. */
import type { ChainOffset } from "./streamPosition.ts";

/** Deeper than any reorg. */
const MAX_BLOCKS = 256;

export class RecentBlocks {
  /** In order of publication. */
  #blocks: readonly ChainOffset[] = [];

  add(offset: ChainOffset): void {
    this.#blocks = [...this.#blocks, offset].slice(-MAX_BLOCKS);
  }

  /** The blocks published before this one, newest first; empty when this block was not published here. */
  ancestorsOf({ block, hash }: ChainOffset): readonly ChainOffset[] {
    const index = this.#blocks.findLastIndex(
      (published) => published.block === block && published.hash === hash,
    );
    return index < 0 ? [] : this.#blocks.slice(0, index).reverse();
  }
}

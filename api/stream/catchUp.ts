/** Reads the events that a returning subscriber missed, up to a position that live subscribers have passed and never further. */
import type { ChainName } from "../../config/environment.ts";
import type { Reader, ReadTransaction } from "../queries/reading/database.ts";
import { readBlocks } from "../queries/state/blocks.ts";
import type { ChainIds, PositionWatcher } from "../queries/state/position.ts";
import type { EventBatch } from "./eventBatch.ts";
import type { StreamFilter } from "./filter.ts";
import type { EventHub } from "./hub.ts";
import { type BatchSize, readEvents } from "./readEvents.ts";
import type { AncestorLookup, ResumePolicy } from "./reconcile.ts";
import { EMPTY_POSITION, offsetAfter, type StreamPosition, shortHash } from "./streamPosition.ts";
import { readStreamState, type StreamState } from "./streamState.ts";

/** Small, because each subscriber that catches up holds a batch of its own in memory until it is sent. */
const BATCH_SIZE: BatchSize = { rows: 50, blocks: 100 };

export interface CatchUpOptions {
  readonly hub: EventHub;
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
}

/** On whose behalf it reads. */
interface Requester {
  readonly signal: AbortSignal;
  /** Database connections are shared fairly among these keys. */
  readonly fairnessKey?: string | undefined;
}

export class CatchUp {
  readonly #options: CatchUpOptions;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** Reads the next batch after a position for each of these chains. */
  read(
    chains: readonly ChainName[],
    from: StreamPosition,
    filter: StreamFilter,
    policy: ResumePolicy,
    { signal, fairnessKey }: Requester,
  ): Promise<readonly { readonly chain: ChainName; readonly batch: EventBatch }[]> {
    const { hub, reader, watcher, chainIds } = this.#options;
    const findAncestors: AncestorLookup = (chain, block) => hub.ancestorsOf(chain, block);
    return reader.read(
      async (transaction) => {
        const state = await readStreamState(transaction, watcher, chainIds);
        const batches: { chain: ChainName; batch: EventBatch }[] = [];
        for (const chain of chains) {
          const to = await this.#end(transaction, state, chain);
          const options = { chain, from, to, filter, findAncestors, policy, size: BATCH_SIZE };
          batches.push({ chain, batch: await readEvents(transaction, state, options) });
        }
        return batches;
      },
      { signal, share: "bulk", client: fairnessKey },
    );
  }

  /**
   * The newest joinable position that is valid in this transaction. It is empty when there is none: either a reorg has replaced
   * what the hub holds, or this database is too far behind.
   */
  async #end(transaction: ReadTransaction, state: StreamState, chain: ChainName): Promise<StreamPosition> {
    const head = state.chains[chain];
    if (head === null) return EMPTY_POSITION;
    const newest = head.evidence?.blockNumber ?? offsetAfter(null).block;
    const { revision } = state.proofs;
    const position = this.#options.hub.newestJoinablePosition(chain, ({ [chain]: at, proofs }) => {
      if (at === null || at.logIndex !== null || at.block > newest) return false;
      if (chain === "base" || proofs === null) return true;
      return proofs.within === null && proofs.revision <= (revision ?? -1);
    });
    const at = position?.[chain] ?? null;
    if (position === null || at === null) return EMPTY_POSITION;
    if (at.block < 0) return position;
    const [block] = await readBlocks(transaction, head, [at.block]);
    return block !== undefined && shortHash(block.hash) === at.hash ? position : EMPTY_POSITION;
  }
}

/** What listeners are told who come back from before what is kept: up to where everyone was, and never further. */
import type { ChainName } from "../../config/environment.ts";
import type { Reader, ReadTransaction } from "../queries/reading/database.ts";
import { readBlocks } from "../queries/state/blocks.ts";
import type { ChainIds, PositionWatcher } from "../queries/state/position.ts";
import type { StreamFilter } from "./filter.ts";
import type { EventHub } from "./hub.ts";
import { type ChainPlace, NOWHERE, placeAfter, type StreamPlace, shortHash } from "./place.ts";
import { readStep, readStreamState, type Step, type StepSize, type StreamState } from "./readStep.ts";
import type { Lateness } from "./settle.ts";

/** Small: each listener that is told what it missed has a step of its own in memory until it has taken it. */
const STEP_SIZE: StepSize = { rows: 50, blocks: 100 };

/** For whom it is read. */
export interface PastReader {
  readonly signal: AbortSignal;
  /** Connections are divided among these. */
  readonly shareKey?: string | undefined;
}

export interface PastOptions {
  readonly hub: EventHub;
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
}

export class Past {
  readonly #options: PastOptions;

  constructor(options: PastOptions) {
    this.#options = options;
  }

  /** What comes after a place of these chains. */
  steps(
    chains: readonly ChainName[],
    from: StreamPlace,
    filter: StreamFilter,
    lateness: Lateness,
    { signal, shareKey }: PastReader,
  ): Promise<readonly { readonly chain: ChainName; readonly step: Step }[]> {
    const { hub, reader, watcher, chainIds } = this.#options;
    return reader.read(
      async (transaction) => {
        const state = await readStreamState(transaction, watcher, chainIds);
        const steps: { chain: ChainName; step: Step }[] = [];
        for (const chain of chains) {
          const to = await this.#end(transaction, state, chain);
          const ancestry = (of: ChainName, place: ChainPlace) => hub.before(of, place);
          const options = { chain, from, to, filter, ancestry, lateness, size: STEP_SIZE };
          steps.push({ chain, step: await readStep(transaction, state, options) });
        }
        return steps;
      },
      { signal, share: "bulk", client: shareKey },
    );
  }

  /**
   * The newest place where everyone was and that holds in this transaction: from there on, a listener is told what everyone
   * is. Nowhere when there is none: what is kept here for everyone was taken back, or this database is too far behind.
   */
  async #end(transaction: ReadTransaction, state: StreamState, chain: ChainName): Promise<StreamPlace> {
    const position = state.chains[chain];
    if (position === null) return NOWHERE;
    const newest = position.evidence?.blockNumber ?? placeAfter(null).block;
    const { revision } = state.proofs;
    const place = this.#options.hub.newestPlace(chain, ({ [chain]: at, proofs }) => {
      if (at === null || at.logIndex !== null || at.block > newest) return false;
      if (chain === "base" || proofs === null) return true;
      return proofs.within === null && proofs.revision <= (revision ?? -1);
    });
    const at = place?.[chain] ?? null;
    if (place === null || at === null) return NOWHERE;
    if (at.block < 0) return place;
    const [block] = await readBlocks(transaction, position, [at.block]);
    return block !== undefined && shortHash(block.hash) === at.hash ? place : NOWHERE;
  }
}

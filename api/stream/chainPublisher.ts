/** Publishes new rows of both chains and changed verdicts to the hub whenever the index has grown. */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import type { Reader, ReadTransaction } from "../queries/reading/database.ts";
import { type Block, readNewestBlocks } from "../queries/state/blocks.ts";
import type { ChainIds, Position, PositionWatcher } from "../queries/state/position.ts";
import type { EventBatch } from "./eventBatch.ts";
import type { StreamEvent } from "./events.ts";
import { MATCH_ALL } from "./filter.ts";
import type { EventHub } from "./hub.ts";
import { type BatchSize, readEvents } from "./readEvents.ts";
import type { AncestorLookup, ResumePolicy } from "./reconcile.ts";
import { type ChainOffset, offsetAfter } from "./streamPosition.ts";
import { positionOf, readStreamState, type StreamState } from "./streamState.ts";

export interface ChainPublisherOptions {
  readonly hub: EventHub;
  /** With connections of its own: publication must not wait for requests. */
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
  readonly log: Log;
  /** Yields to the event loop. */
  readonly pause: () => Promise<void>;
}

/** Everything is published, however old. */
const PUBLISH_ALL: ResumePolicy = { retentionSeconds: null, ahead: "reset" };
/** Large, because a batch is read once for all subscribers. */
const BATCH_SIZE: BatchSize = { rows: 500, blocks: 200 };
/** Blocks remembered from before the first published one: deeper than any reorg. */
const EARLIER_BLOCKS = 64;

type Earlier = Readonly<Record<ChainName, readonly Block[]>>;
type Batches = readonly { readonly chain: ChainName; readonly batch: EventBatch }[];

/** What one transaction read: where to start, or the events that come next. */
type Read = { readonly state: StreamState } & (
  | { readonly kind: "start"; readonly earlier: Earlier }
  | { readonly kind: "continue"; readonly batches: Batches }
);

export class ChainPublisher {
  readonly #options: ChainPublisherOptions;
  /** The newest published block of each chain, with or without an event. */
  readonly #heads = new Map<ChainName, number>();
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #state: StreamState | null = null;
  #failure: unknown = null;

  constructor(options: ChainPublisherOptions) {
    this.#options = options;
  }

  /** The state that the last attempt read; null before the first one. */
  get state(): StreamState | null {
    return this.#state;
  }

  /** Why the last attempt failed; null when it succeeded. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Publishes what the index holds now. Calls made while it runs share one further run. Never throws. */
  publish(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#publishAll().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.publish();
    });
    return this.#next;
  }

  async #publishAll(): Promise<void> {
    const { reader, log, pause } = this.#options;
    try {
      while (!this.#apply(await reader.read((transaction) => this.#read(transaction)))) await pause();
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      log.warn("new events could not be published to the stream; the next change of the index tries again", {
        error,
      });
    }
  }

  async #read(transaction: ReadTransaction): Promise<Read> {
    const { hub, watcher, chainIds } = this.#options;
    const state = await readStreamState(transaction, watcher, chainIds);
    if (!hub.isStarted) return { kind: "start", state, earlier: await readEarlier(transaction, state) };
    const newest = positionOf(state);
    const to = { ...newest, proofs: newest.proofs ?? hub.position.proofs };
    const findAncestors: AncestorLookup = (chain, block) => hub.ancestorsOf(chain, block);
    const options = { to, filter: MATCH_ALL, findAncestors, policy: PUBLISH_ALL, size: BATCH_SIZE };
    const batches: { chain: ChainName; batch: EventBatch }[] = [];
    for (const chain of CHAIN_NAMES)
      batches.push({
        chain,
        batch: await readEvents(transaction, state, { ...options, chain, from: hub.position }),
      });
    return { kind: "continue", state, batches };
  }

  /** @returns whether everything has been published. */
  #apply(read: Read): boolean {
    const { hub } = this.#options;
    const { chains } = read.state;
    this.#state = read.state;
    if (read.kind === "start") {
      hub.start(positionOf(read.state), offsetsOf(read.earlier));
      for (const chain of CHAIN_NAMES) this.#emptyHead(chains[chain]);
    } else {
      for (const { chain, batch } of read.batches) {
        hub.publish(batch.events);
        hub.advance(chain, batch.position);
      }
      if (read.batches.some(({ batch }) => batch.outcome === "partial")) return false;
      const heads = CHAIN_NAMES.flatMap((chain) => this.#emptyHead(chains[chain]));
      hub.publish(heads.map((event) => ({ event, position: hub.position })));
    }
    hub.setReadyChains(CHAIN_NAMES.filter((chain) => chains[chain] !== null));
    return true;
  }

  /** The event for a chain's newest block, if the block is new and carried no event of ours: no row announces it then. */
  #emptyHead(head: Position | null): readonly StreamEvent[] {
    if (head === null) return [];
    const { chain, chainId, blockNumber: number, blockTime: timestamp, evidence } = head;
    const isNew = this.#heads.get(chain) !== number;
    this.#heads.set(chain, number);
    const at = this.#options.hub.position[chain];
    if (!isNew || at === null || evidence?.blockNumber === number) return [];
    const data = { chain, chainId, number, hash: null, timestamp };
    return [{ type: "block", data, offset: { source: chain, at } }];
  }
}

async function readEarlier(transaction: ReadTransaction, { chains }: StreamState): Promise<Earlier> {
  const read = async (head: Position | null) =>
    head === null
      ? []
      : readNewestBlocks(transaction, head, { upTo: head.blockNumber, limit: EARLIER_BLOCKS });
  return { og: await read(chains.og), base: await read(chains.base) };
}

const offsetsOf = ({ og, base }: Earlier): Readonly<Record<ChainName, readonly ChainOffset[]>> => {
  const oldestFirst = (blocks: readonly Block[]) => [...blocks].reverse().map((block) => offsetAfter(block));
  return { og: oldestFirst(og), base: oldestFirst(base) };
};

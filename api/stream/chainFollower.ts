/** Follows both chains and the verifier for everyone: reads what is new when the index has grown, and tells it to the hub. */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import type { Reader, ReadTransaction } from "../queries/reading/database.ts";
import { type Block, readNewestBlocks } from "../queries/state/blocks.ts";
import type { ChainIds, Position, PositionWatcher } from "../queries/state/position.ts";
import type { StreamEvent } from "./events.ts";
import { EVERYTHING } from "./filter.ts";
import type { EventHub } from "./hub.ts";
import { type ChainPlace, placeAfter } from "./place.ts";
import {
  placeOf,
  readStep,
  readStreamState,
  type Step,
  type StepSize,
  type StreamState,
} from "./readStep.ts";
import type { Ancestry, Lateness } from "./settle.ts";

export interface ChainFollowerOptions {
  readonly hub: EventHub;
  /** Of its own: what is read for everyone must not wait for requests. */
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly chainIds: ChainIds;
  readonly log: Log;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
}

/** Everyone is told everything, however late. */
const NOTHING_IS_TOO_LATE: Lateness = { retentionSeconds: null, ahead: "reset" };
/** Read once for everyone. */
const STEP_SIZE: StepSize = { rows: 500, blocks: 200 };
/** Blocks before the first one told of that are remembered: more than a reorg takes back. */
const EARLIER_BLOCKS = 64;

type Earlier = Readonly<Record<ChainName, readonly Block[]>>;
type Steps = readonly { readonly chain: ChainName; readonly step: Step }[];

/** What one transaction read: where to begin, or what comes next. */
type Read = { readonly state: StreamState } & (
  | { readonly kind: "begin"; readonly earlier: Earlier }
  | { readonly kind: "go on"; readonly steps: Steps }
);

export class ChainFollower {
  readonly #options: ChainFollowerOptions;
  /** By chain, the newest block that was told of, with an event or without. */
  readonly #heads = new Map<ChainName, number>();
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #state: StreamState | null = null;
  #failure: unknown = null;

  constructor(options: ChainFollowerOptions) {
    this.#options = options;
  }

  /** What the last attempt saw; null before the first one. */
  get state(): StreamState | null {
    return this.#state;
  }

  /** Why the last attempt failed; null when it did not. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Tells what the index holds when this is called. Calls in between are answered together. Never throws. */
  follow(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#follow().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.follow();
    });
    return this.#next;
  }

  async #follow(): Promise<void> {
    const { reader, log, pause } = this.#options;
    try {
      while (!this.#take(await reader.read((transaction) => this.#read(transaction)))) await pause();
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
      log.warn("the stream could not be continued", { error });
    }
  }

  async #read(transaction: ReadTransaction): Promise<Read> {
    const { hub, watcher, chainIds } = this.#options;
    const state = await readStreamState(transaction, watcher, chainIds);
    if (!hub.begun) return { kind: "begin", state, earlier: await readEarlier(transaction, state) };
    const newest = placeOf(state);
    const to = { ...newest, proofs: newest.proofs ?? hub.place.proofs };
    const ancestry: Ancestry = (chain, place) => hub.before(chain, place);
    const options = { to, filter: EVERYTHING, ancestry, lateness: NOTHING_IS_TOO_LATE, size: STEP_SIZE };
    const steps: { chain: ChainName; step: Step }[] = [];
    for (const chain of CHAIN_NAMES)
      steps.push({
        chain,
        step: await readStep(transaction, state, { ...options, chain, from: hub.place }),
      });
    return { kind: "go on", state, steps };
  }

  /** @returns whether this was all there is. */
  #take(read: Read): boolean {
    const { hub } = this.#options;
    const { chains } = read.state;
    this.#state = read.state;
    if (read.kind === "begin") {
      hub.begin(placeOf(read.state), placesOf(read.earlier));
      for (const chain of CHAIN_NAMES) this.#headEvents(chains[chain]);
    } else {
      for (const { chain, step } of read.steps) {
        hub.publish(step.events);
        hub.move(chain, step.place);
      }
      if (read.steps.some(({ step }) => step.outcome === "partial")) return false;
      const heads = CHAIN_NAMES.flatMap((chain) => this.#headEvents(chains[chain]));
      hub.publish(heads.map((event) => ({ event, place: hub.place })));
    }
    hub.setFollowed(CHAIN_NAMES.filter((chain) => chains[chain] !== null));
    return true;
  }

  /** The newest block, when it is another one and carried no event: then nothing else tells of it. */
  #headEvents(position: Position | null): readonly StreamEvent[] {
    if (position === null) return [];
    const { chain, chainId, blockNumber: number, blockTime: timestamp, evidence } = position;
    const isNew = this.#heads.get(chain) !== number;
    this.#heads.set(chain, number);
    const at = this.#options.hub.place[chain];
    if (!isNew || at === null || evidence?.blockNumber === number) return [];
    const data = { chain, chainId, number, hash: null, timestamp };
    return [{ type: "block", data, place: { part: chain, at } }];
  }
}

async function readEarlier(transaction: ReadTransaction, { chains }: StreamState): Promise<Earlier> {
  const read = async (position: Position | null) =>
    position === null
      ? []
      : readNewestBlocks(transaction, position, { upTo: position.blockNumber, limit: EARLIER_BLOCKS });
  return { og: await read(chains.og), base: await read(chains.base) };
}

const placesOf = ({ og, base }: Earlier): Readonly<Record<ChainName, readonly ChainPlace[]>> => {
  const inOrder = (blocks: readonly Block[]) => [...blocks].reverse().map((block) => placeAfter(block));
  return { og: inOrder(og), base: inOrder(base) };
};

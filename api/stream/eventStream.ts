/** The event stream of this process: publishes chains and nodes, and accepts subscribers. */
import { Abandoned, ApiError } from "../errors.ts";
import type { Reader } from "../queries/reading/database.ts";
import { type AsOf, chainAsOf } from "../queries/state/asOf.ts";
import type { Position } from "../queries/state/position.ts";
import { type ApiService, originOf } from "../queries/state/service.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { CatchUp } from "./catchUp.ts";
import { ChainPublisher } from "./chainPublisher.ts";
import type { StreamFilter } from "./filter.ts";
import { EventHub, type HubLimits } from "./hub.ts";
import { NodePublisher } from "./nodePublisher.ts";
import type { StreamPosition } from "./streamPosition.ts";
import { Subscriber, type SubscriberOptions, type SubscriberTiming } from "./subscriber.ts";

export interface EventStreamOptions
  extends Pick<ApiService, "reader" | "watcher" | "settings" | "log" | "lifetime"> {
  /** With connections of its own: publication must not wait for requests. */
  readonly ownReader: Reader;
  readonly limits: HubLimits;
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  /** Yields to the event loop. */
  readonly pause: () => Promise<void>;
  readonly timing?: Partial<SubscriberTiming>;
}

/** Who subscribes. */
export interface SubscribeOptions
  extends Pick<SubscriberOptions, "onDisconnect" | "client" | "fairnessKey" | "charge"> {
  /** Aborted when the client has gone before the stream starts. */
  readonly signal: AbortSignal;
}

/** How long a subscriber waits for the first read of the index. */
const START_TIMEOUT_MS = 5_000;
const NO_STATE = { chains: { og: null, base: null }, proofs: null };

export class EventStream {
  readonly hub: EventHub;
  readonly #options: EventStreamOptions;
  readonly #chains: ChainPublisher;
  readonly #nodes: NodePublisher;
  readonly #catchUp: CatchUp;

  constructor(options: EventStreamOptions) {
    const { limits, ownReader, watcher, settings, log, lifetime, pause } = options;
    const hub = new EventHub(limits);
    this.hub = hub;
    lifetime?.stopping.addEventListener("abort", () => hub.end(), { once: true });
    this.#options = options;
    const { chainIds } = settings;
    this.#chains = new ChainPublisher({ hub, reader: ownReader, watcher, chainIds, log, pause });
    this.#nodes = new NodePublisher(hub, pause);
    this.#catchUp = new CatchUp({ hub, reader: options.reader, watcher, chainIds });
  }

  /** Publishes what the chains' index holds now. Never throws. */
  publishChains(): Promise<void> {
    return this.#chains.publish();
  }

  /** Publishes the nodes that a new snapshot has changed. */
  publishNodes(snapshot: Snapshot): Promise<void> {
    return this.#nodes.publish(snapshot);
  }

  /**
   * @param from - where the subscriber left off; null when it is new.
   * @throws {Abandoned} when the client has gone.
   * @throws {ApiError} `busy` or `rate-limited` when there is no room for it, or the reason why the index cannot be read yet.
   */
  async subscribe(
    filter: StreamFilter,
    from: StreamPosition | null,
    { signal, ...owner }: SubscribeOptions,
  ): Promise<Subscriber> {
    const { elapsed, timing = {} } = this.#options;
    const deadline = elapsed() + START_TIMEOUT_MS;
    while (!this.hub.isStarted && this.#chains.failure === null && elapsed() < deadline && !signal.aborted)
      await this.hub.waitForEvents(deadline - elapsed(), signal);
    if (signal.aborted) throw new Abandoned();
    if (!this.hub.isStarted) throw this.#refusal();
    const streams = { hub: this.hub, catchUp: this.#catchUp, nodes: this.#nodes };
    return new Subscriber({ ...streams, filter, from, elapsed, ...owner, timing });
  }

  /** The state that was published last. */
  get asOf(): AsOf {
    const { chains, proofs } = this.#chains.state ?? NO_STATE;
    const chainOf = (head: Position | null) => (head === null ? null : chainAsOf(head));
    const { settings } = this.#options;
    return {
      og: chainOf(chains.og),
      base: chainOf(chains.base),
      proofs: chains.og === null ? null : (proofs?.revision ?? null),
      origin: originOf(settings),
    };
  }

  #refusal(): ApiError {
    const { failure } = this.#chains;
    if (failure instanceof ApiError) return failure;
    return new ApiError("indexing", "The stream has not read the index yet.", {}, { retryAfterSeconds: 5 });
  }
}

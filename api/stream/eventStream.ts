/** The stream of this process: what happens, told to everyone who listens. */
import { Abandoned, ApiError } from "../errors.ts";
import type { Reader } from "../queries/reading/database.ts";
import { type AsOf, chainAsOf } from "../queries/state/asOf.ts";
import type { Position } from "../queries/state/position.ts";
import { type ApiService, originOf } from "../queries/state/service.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { ChainFollower } from "./chainFollower.ts";
import type { StreamFilter } from "./filter.ts";
import { EventHub, type HubLimits } from "./hub.ts";
import { Listener, type ListenerOptions, type ListenerTiming } from "./listener.ts";
import { NodeFollower } from "./nodeFollower.ts";
import { Past } from "./past.ts";
import type { StreamPlace } from "./place.ts";

export interface EventStreamOptions
  extends Pick<ApiService, "reader" | "watcher" | "settings" | "log" | "lifetime"> {
  /** For what is read for everyone: it must not wait for requests. */
  readonly ownReader: Reader;
  readonly limits: HubLimits;
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
  readonly timing?: Partial<ListenerTiming>;
}

/** Whose listener it is. */
export interface ListenerOwner extends Pick<ListenerOptions, "onCut" | "client" | "shareKey" | "charge"> {
  /** Aborted when nobody waits for the stream to begin any more. */
  readonly signal: AbortSignal;
}

/** How long somebody who comes before anything was read waits for that. */
const BEGIN_WITHIN_MS = 5_000;
const NOTHING_SEEN = { chains: { og: null, base: null }, proofs: null };

export class EventStream {
  readonly hub: EventHub;
  readonly #options: EventStreamOptions;
  readonly #chains: ChainFollower;
  readonly #nodes: NodeFollower;
  readonly #past: Past;

  constructor(options: EventStreamOptions) {
    const { limits, ownReader, watcher, settings, log, lifetime, pause } = options;
    const hub = new EventHub(limits);
    this.hub = hub;
    lifetime?.stopping.addEventListener("abort", () => hub.end(), { once: true });
    this.#options = options;
    const { chainIds } = settings;
    this.#chains = new ChainFollower({ hub, reader: ownReader, watcher, chainIds, log, pause });
    this.#nodes = new NodeFollower(hub, pause);
    this.#past = new Past({ hub, reader: options.reader, watcher, chainIds });
  }

  /** Tells what the index holds when this is called. Never throws. */
  follow(): Promise<void> {
    return this.#chains.follow();
  }

  /** Tells of the nodes that a new snapshot has something new of. */
  showNodes(snapshot: Snapshot): Promise<void> {
    return this.#nodes.show(snapshot);
  }

  /**
   * @param from - where the listener was; null when it is new.
   * @throws {Abandoned} when nobody waits for it any more.
   * @throws {ApiError} `busy` or `rate-limited` when nobody else may listen, or why there is nothing to listen to yet.
   */
  async listen(
    filter: StreamFilter,
    from: StreamPlace | null,
    { signal, ...owner }: ListenerOwner,
  ): Promise<Listener> {
    const { elapsed, timing = {} } = this.#options;
    const deadline = elapsed() + BEGIN_WITHIN_MS;
    while (!this.hub.begun && this.#chains.failure === null && elapsed() < deadline && !signal.aborted)
      await this.hub.wait(deadline - elapsed(), signal);
    if (signal.aborted) throw new Abandoned();
    if (!this.hub.begun) throw this.#refusal();
    const { hub } = this;
    const [past, nodes] = [this.#past, this.#nodes];
    return new Listener({ hub, past, nodes, filter, from, elapsed, ...owner, timing });
  }

  /** The state that was told of last. */
  get asOf(): AsOf {
    const { chains, proofs } = this.#chains.state ?? NOTHING_SEEN;
    const part = (position: Position | null) => (position === null ? null : chainAsOf(position));
    const { settings } = this.#options;
    return {
      og: part(chains.og),
      base: part(chains.base),
      proofs: chains.og === null ? null : (proofs?.revision ?? null),
      origin: originOf(settings),
    };
  }

  #refusal(): ApiError {
    const { failure } = this.#chains;
    if (failure instanceof ApiError) return failure;
    return new ApiError("indexing", "Nothing can be told yet.", {}, { retryAfterSeconds: 5 });
  }
}

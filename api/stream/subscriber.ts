/**
 * One subscriber of the stream. If it resumes, it is first sent the events that it missed, then live ones. It reads live events
 * from the buffer that all subscribers share, at its own pace; no queue is kept for it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { CatchUp } from "./catchUp.ts";
import { CatchUpState, type CatchUpTiming } from "./catchUpState.ts";
import { chunkLength } from "./chunks.ts";
import { sizeOf } from "./eventBuffer.ts";
import type { DeliveredEvent, StreamEvent } from "./events.ts";
import { matches, type StreamFilter } from "./filter.ts";
import type { Consumer, EventHub } from "./hub.ts";
import type { NodePublisher } from "./nodePublisher.ts";
import { EMPTY_POSITION, encodePosition, type StreamPosition, withTopic } from "./streamPosition.ts";

export type Delivery =
  | { readonly kind: "events"; readonly events: readonly DeliveredEvent[] }
  /** Nothing new. The id is the subscriber's position; empty when it is not worth sending. */
  | { readonly kind: "keep-alive"; readonly id: string };

type KeepAlive = Extract<Delivery, { kind: "keep-alive" }>;

export interface SubscriberOptions {
  readonly hub: EventHub;
  readonly catchUp: Pick<CatchUp, "read">;
  readonly nodes: Pick<NodePublisher, "current">;
  readonly filter: StreamFilter;
  /** Where it left off; null when it is new. */
  readonly from: StreamPosition | null;
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  /** Called when it is disconnected for being too slow. */
  readonly onDisconnect: () => void;
  readonly client: Consumer["client"];
  /** Database connections are shared fairly among these keys. */
  readonly fairnessKey?: string | undefined;
  /** Charges the client for events made for it alone; absent for clients that are not rate-limited. */
  readonly charge?: Charge | undefined;
  readonly timing?: Partial<SubscriberTiming>;
}

export interface SubscriberTiming extends CatchUpTiming {
  /** How long nothing is sent before a keep-alive is. */
  readonly keepAliveMs: number;
  /** Missed rows are replayed if they are not older than this. */
  readonly retentionSeconds: number;
}

export const DEFAULT_TIMING: SubscriberTiming = {
  keepAliveMs: 15_000,
  retryMs: 1_000,
  maxAheadWaitMs: 30_000,
  retentionSeconds: 86_400,
};

const MAX_EVENTS_PER_READ = 200;
/** What catching up costs of the client's rate limit: `READ_COST` units for each read, and a unit for `EVENTS_PER_UNIT` events. */
const READ_COST = 0.1;
const EVENTS_PER_UNIT = 100;

export class Subscriber implements Consumer {
  readonly #options: SubscriberOptions;
  readonly #timing: SubscriberTiming;
  readonly #closed = new AbortController();
  /** Null once it is live on all topics. */
  #catchUp: CatchUpState | null;
  /** The number of the buffered event that it read last; unused while it catches up. */
  #liveCursor: number;
  /** Bytes of missed events that were read and are not sent yet. */
  #replayBytes = 0;

  /** @throws {ApiError} `busy` or `rate-limited` when there is no room for another subscriber. */
  constructor(options: SubscriberOptions) {
    const { hub, from } = options;
    this.#options = options;
    const timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#timing = timing;
    this.#catchUp = from === null ? null : new CatchUpState({ ...options, from, timing });
    this.#liveCursor = hub.lastNumber;
    hub.attach(this);
  }

  get client(): Consumer["client"] {
    return this.#options.client;
  }

  get cursor(): number | null {
    return this.#catchUp === null ? this.#liveCursor : this.#catchUp.cursor;
  }

  /** Aborted when it is closed: nothing needs to be made for it then. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  /** Records that the client has read everything sent so far, and how many bytes are being sent to it now. */
  setInFlight(bytes: number): void {
    this.#options.hub.setInFlight(this, bytes + this.#replayBytes);
  }

  end(): void {
    this.#closed.abort();
  }

  disconnect(): void {
    this.end();
    this.#options.onDisconnect();
  }

  close(): void {
    this.end();
    this.#options.hub.detach(this);
  }

  /** Ends when the subscriber is closed. @throws whatever keeps missed events from being read. */
  async *deliveries(): AsyncGenerator<Delivery, void> {
    const { hub, elapsed } = this.#options;
    const { keepAliveMs } = this.#timing;
    try {
      yield this.#keepAlive();
      let dueAt = elapsed() + keepAliveMs;
      while (!this.#closed.signal.aborted) {
        if (this.#canCatchUp()) yield* this.#deliverMissed();
        const events = this.#readBuffer();
        if (events.length > 0) yield { kind: "events", events };
        else if (this.#hasBufferedEvents() || this.#canCatchUp()) continue;
        else if (elapsed() >= dueAt) yield this.#keepAlive();
        else {
          const state = this.#catchUp;
          const retries = state?.missingTopics.map((topic) => state.retryAt(topic) ?? dueAt) ?? [];
          await hub.waitForEvents(Math.min(dueAt, ...retries) - elapsed(), this.#closed.signal);
          continue;
        }
        dueAt = elapsed() + keepAliveMs;
      }
    } finally {
      this.close();
    }
  }

  #keepAlive(): KeepAlive {
    const id = this.#catchUp === null ? this.#options.hub.id : encodePosition(this.#catchUp.position);
    return { kind: "keep-alive", id };
  }

  /** Whether there is a topic to catch up on that may be tried now. */
  #canCatchUp(): boolean {
    const state = this.#catchUp;
    if (state === null) return false;
    state.joinLiveTopics();
    return state.dueTopics.length > 0;
  }

  #hasBufferedEvents(): boolean {
    const { cursor } = this;
    return cursor !== null && cursor < this.#options.hub.lastNumber;
  }

  /** One read of what it missed, as far as live subscribers are. */
  async *#deliverMissed(): AsyncGenerator<Delivery, void> {
    const { hub } = this.#options;
    const state = this.#catchUp;
    if (state === null) return;
    const due = state.dueTopics;
    for (const topic of due) state.beginAttempt(topic);
    const chains = CHAIN_NAMES.filter((chain) => due.includes(chain) && hub.isChainReady(chain));
    if (chains.length > 0) {
      const events = await this.#readMissed(state, chains);
      const cost = READ_COST + events.length / EVENTS_PER_UNIT;
      yield* this.#inChunks(events);
      yield* this.waitForBudget(cost);
    }
    if (due.includes("nodes")) yield* this.#deliverNodes(state);
  }

  async #readMissed(state: CatchUpState, chains: readonly ChainName[]): Promise<DeliveredEvent[]> {
    const { catchUp, filter, fairnessKey } = this.#options;
    const ahead = state.waitsForAhead ? "wait" : "reset";
    const policy = { ahead, retentionSeconds: this.#timing.retentionSeconds } as const;
    const { signal } = this.#closed;
    const batches = await catchUp.read(chains, state.position, filter, policy, { signal, fairnessKey });
    const events: DeliveredEvent[] = [];
    for (const { chain, batch } of batches) {
      for (const { event, position } of batch.events) {
        state.position = withTopic(state.position, chain, position);
        events.push(...this.#deliver(state, event, JSON.stringify(event.data)));
      }
      state.position = withTopic(state.position, chain, batch.position);
      state.endAttempt(chain, batch.outcome);
    }
    // Once it has joined, it is disconnected if it falls behind the buffer.
    state.joinLiveTopics();
    return events;
  }

  *#inChunks(events: DeliveredEvent[]): Generator<Delivery, void> {
    const sum = (some: readonly DeliveredEvent[]) => some.reduce((bytes, event) => bytes + sizeOf(event), 0);
    this.#replayBytes = sum(events);
    while (events.length > 0) {
      const chunk = events.splice(0, chunkLength(events));
      this.#replayBytes -= sum(chunk);
      yield { kind: "events", events: chunk };
    }
  }

  /** Charges the client, or waits until its budget suffices; keep-alives are sent meanwhile. */
  async *waitForBudget(cost: number): AsyncGenerator<KeepAlive, void> {
    const { charge = () => 0 } = this.#options;
    const { keepAliveMs } = this.#timing;
    const { signal } = this.#closed;
    for (let waitMs = charge(cost); waitMs > 0 && !signal.aborted; waitMs = charge(cost)) {
      await sleep(Math.min(waitMs, keepAliveMs), undefined, { signal }).catch(() => {});
      if (!signal.aborted) yield { kind: "keep-alive", id: "" };
    }
  }

  /** All nodes as they are now. */
  async *#deliverNodes(state: CatchUpState): AsyncGenerator<Delivery, void> {
    const { hub, nodes } = this.#options;
    const current = nodes.current();
    if (current === null) return;
    const position: StreamPosition = { ...EMPTY_POSITION, nodes: current.snapshot };
    const number = hub.findJoinNumber("nodes", position);
    if (number === null) return;
    // From here on it is disconnected if it falls behind the buffer.
    state.joinLive("nodes", number);
    // The chunks are made once for all subscribers.
    for (const chunk of current.chunks) {
      if (this.#closed.signal.aborted) return;
      const events = chunk.flatMap(({ event, json }) => this.#deliver(state, event, json));
      while (events.length > 0) yield { kind: "events", events: events.splice(0, chunkLength(events)) };
    }
    state.position = withTopic(state.position, "nodes", position);
  }

  #deliver({ position }: CatchUpState, event: StreamEvent, json: string): DeliveredEvent[] {
    return matches(this.#options.filter, event) ? [{ event, json, id: encodePosition(position) }] : [];
  }

  /** The next buffered events that match the filter and were not delivered already. */
  #readBuffer(): readonly DeliveredEvent[] {
    const { hub, filter } = this.#options;
    const { cursor } = this;
    // After a disconnect the buffer may no longer hold what comes next.
    if (cursor === null || this.#closed.signal.aborted) return [];
    const next = hub.eventsAfter(cursor, MAX_EVENTS_PER_READ);
    const buffered = next.slice(0, chunkLength(next));
    const state = this.#catchUp;
    if (state === null) {
      this.#liveCursor += buffered.length;
      return buffered.filter(({ event }) => matches(filter, event));
    }
    const events = buffered.flatMap((one) =>
      state.receive(one) ? this.#deliver(state, one.event, one.json) : [],
    );
    if (state.cursor === hub.lastNumber) {
      state.syncLiveTopics();
      if (state.isLive) {
        this.#liveCursor = hub.lastNumber;
        this.#catchUp = null;
      }
    }
    return events;
  }
}

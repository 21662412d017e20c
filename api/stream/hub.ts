/**
 * Publishes every event once, in order, to all subscribers of this process. The newest events stay in a buffer, from which each
 * subscriber reads at its own pace. The hub knows nothing of databases.
 */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import { type BufferedEvent, EventBuffer } from "./eventBuffer.ts";
import type { PositionedEvent, StreamEvent } from "./events.ts";
import { InFlightBytes, type InFlightLimits } from "./inFlightBytes.ts";
import { RecentBlocks } from "./recentBlocks.ts";
import {
  type ChainOffset,
  EMPTY_POSITION,
  encodePosition,
  type StreamPosition,
  TOPICS,
  type Topic,
  topicOf,
  withTopic,
} from "./streamPosition.ts";
import { type Checkpoint, TopicHistory } from "./topicHistory.ts";

/** A subscriber, as the hub sees it. */
export interface Consumer {
  /** The number of the buffered event that it read last; null while it does not read from the buffer. */
  readonly cursor: number | null;
  /** The client it counts towards; absent for clients that are not counted. */
  readonly client?: string | undefined;
  /** Called when it is too slow: it fell behind the buffer, or too many bytes are in flight for it. */
  readonly disconnect: () => void;
  /** Called when all streams end. */
  readonly end: () => void;
}

export interface HubLimits {
  /** The size of the buffer. A subscriber that is further behind is disconnected. */
  readonly bufferBytes: number;
  readonly subscribers: number;
  readonly subscribersPerClient: number;
  readonly inFlight?: InFlightLimits;
}

/** Some hundred subscribers in the middle of catching up, all of them paused. */
const IN_FLIGHT_LIMITS: InFlightLimits = { bytes: 16 * 1_048_576, bytesPerClient: 2 * 1_048_576 };

export interface HubUsage {
  readonly subscribers: number;
  readonly bufferedBytes: number;
  /** Held for single subscribers, beside the buffer. */
  readonly inFlightBytes: number;
  /** Subscribers disconnected since the start for being too slow. */
  readonly disconnects: number;
}

const RETRY_AFTER_SECONDS = 30;

export class EventHub {
  readonly #limits: HubLimits;
  readonly #buffer: EventBuffer;
  readonly #consumers = new Set<Consumer>();
  readonly #inFlight: InFlightBytes<Consumer>;
  readonly #waiters = new Set<() => void>();
  readonly #recentBlocks: Readonly<Record<ChainName, RecentBlocks>> = {
    og: new RecentBlocks(),
    base: new RecentBlocks(),
  };
  readonly #histories: Readonly<Record<Topic, TopicHistory>> = {
    og: new TopicHistory("og"),
    base: new TopicHistory("base"),
    nodes: new TopicHistory("nodes"),
  };
  readonly #readyChains = new Set<ChainName>();
  #position = EMPTY_POSITION;
  #id = "";
  #isStarted = false;
  #isEnded = false;
  #disconnects = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
    this.#buffer = new EventBuffer(limits.bufferBytes);
    this.#inFlight = new InFlightBytes(limits.inFlight ?? IN_FLIGHT_LIMITS);
  }

  /** The live position: that of a subscriber that has received everything. */
  get position(): StreamPosition {
    return this.#position;
  }

  /** The live position's text form. */
  get id(): string {
    return this.#id;
  }

  /** The number of the newest event. */
  get lastNumber(): number {
    return this.#buffer.lastNumber;
  }

  /** Whether the live position is known. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  get usage(): HubUsage {
    return {
      subscribers: this.#consumers.size,
      bufferedBytes: this.#buffer.bytes,
      inFlightBytes: this.#inFlight.bytes,
      disconnects: this.#disconnects,
    };
  }

  /** Starts publishing from a position. @param recent - the blocks up to it, in order. */
  start(position: StreamPosition, recent: Readonly<Record<ChainName, readonly ChainOffset[]>>): void {
    for (const chain of CHAIN_NAMES) for (const block of recent[chain]) this.#recentBlocks[chain].add(block);
    for (const topic of TOPICS) this.#advance(topic, position);
    this.#isStarted = true;
    this.wake();
  }

  publish(events: readonly PositionedEvent[]): void {
    if (events.length === 0) return;
    for (const { event, position } of events) this.#append(event, position);
    if (this.#buffer.evict()) this.#disconnectThoseBehind();
    this.wake();
  }

  /** Moves the live position of one topic without an event. */
  advance(topic: Topic, position: StreamPosition): void {
    this.#advance(topic, position);
  }

  /** Sets the chains that can be read now. */
  setReadyChains(chains: readonly ChainName[]): void {
    this.#readyChains.clear();
    for (const chain of chains) this.#readyChains.add(chain);
  }

  isChainReady(chain: ChainName): boolean {
    return this.#readyChains.has(chain);
  }

  #append(event: StreamEvent, position: StreamPosition): void {
    const number = this.#buffer.lastNumber + 1;
    const { source, at } = event.offset;
    const topic = topicOf(source);
    // A block without an event of ours is in no position, so nobody can have missed it.
    const isEmptyBlock = event.type === "block" && event.data.hash === null;
    if (event.type === "reset") this.#histories[topic].clear();
    if (!isEmptyBlock) this.#histories[topic].recordEvent(number);
    this.#advance(topic, position, number);
    this.#buffer.append({ event, json: JSON.stringify(event.data), position: this.#position, id: this.#id });
    const isBlock = event.type === "reset" || (event.type === "block" && !isEmptyBlock);
    if (isBlock && (source === "og" || source === "base")) this.#recentBlocks[source].add(at);
  }

  #advance(topic: Topic, position: StreamPosition, number = this.#buffer.lastNumber): void {
    this.#position = withTopic(this.#position, topic, position);
    this.#id = encodePosition(this.#position);
    this.#histories[topic].recordPosition(this.#position, number);
  }

  #disconnectThoseBehind(): void {
    for (const consumer of this.#consumers)
      if (consumer.cursor !== null && !this.hasAllAfter(consumer.cursor)) this.#disconnect(consumer);
  }

  #disconnect(consumer: Consumer): void {
    this.#disconnects += 1;
    this.detach(consumer);
    consumer.disconnect();
  }

  /** Whether every event after this number is still in the buffer. */
  hasAllAfter(number: number): boolean {
    return this.#buffer.hasAllAfter(number);
  }

  /** The first `limit` events after a number, all of which have to be in the buffer. */
  eventsAfter(number: number, limit: number): readonly BufferedEvent[] {
    return this.#buffer.after(number, limit);
  }

  /**
   * Finds where a subscriber at this position can join the live stream of a topic.
   * @returns the number after which the buffered events of the topic are exactly those that it has not received; null when that
   * is unknown, or when it has also missed events that are no longer in the buffer.
   */
  findJoinNumber(topic: Topic, position: StreamPosition): number | null {
    const checkpoint = this.#histories[topic].find(position);
    return checkpoint === null ? null : this.#joinNumber(topic, checkpoint);
  }

  /** The newest position of a topic that `accepts` holds for and from which a subscriber can join the live stream. */
  newestJoinablePosition(
    topic: Topic,
    accepts: (position: StreamPosition) => boolean,
  ): StreamPosition | null {
    const isJoinable = (checkpoint: Checkpoint) =>
      accepts(checkpoint.position) && this.#joinNumber(topic, checkpoint) !== null;
    return this.#histories[topic].newestFirst.find(isJoinable)?.position ?? null;
  }

  #joinNumber(topic: Topic, checkpoint: Checkpoint): number | null {
    if (this.#histories[topic].isUnchangedSince(checkpoint)) return this.lastNumber;
    return this.hasAllAfter(checkpoint.number) ? checkpoint.number : null;
  }

  /** The blocks of a chain that were published before this one, newest first, as far as they are remembered. */
  ancestorsOf(chain: ChainName, block: ChainOffset): readonly ChainOffset[] {
    return this.#recentBlocks[chain].ancestorsOf(block);
  }

  /** @throws {ApiError} `busy` when the process has no room for it, `rate-limited` when its client has none. */
  attach(consumer: Consumer): void {
    const { subscribers, subscribersPerClient } = this.#limits;
    if (this.#consumers.size >= subscribers)
      throw new ApiError(
        "busy",
        `This process already has its maximum of ${subscribers} open streams. Try again later, or poll the lists.`,
        { listeners: subscribers },
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    const { client } = consumer;
    const ofClient = [...this.#consumers].filter((other) => client !== undefined && other.client === client);
    if (ofClient.length >= subscribersPerClient)
      throw new ApiError(
        "rate-limited",
        `Your address already has its maximum of ${subscribersPerClient} open streams here. Close one, or widen the filter of another.`,
        { listeners: subscribersPerClient },
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    this.#consumers.add(consumer);
    if (this.#isEnded) consumer.end();
  }

  detach(consumer: Consumer): void {
    this.#consumers.delete(consumer);
    this.#inFlight.release(consumer);
  }

  /** Records that a consumer's client has read everything sent so far, and how many bytes are in flight for it now. */
  setInFlight(consumer: Consumer, bytes: number): void {
    if (!this.#consumers.has(consumer)) return;
    for (const evicted of this.#inFlight.set(consumer, bytes)) this.#disconnect(evicted);
  }

  /** Resolves when something was published, after `ms`, or when the signal is aborted. */
  waitForEvents(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiters.add(done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }

  /** Ends all streams, and those that attach from now on. */
  end(): void {
    this.#isEnded = true;
    for (const consumer of this.#consumers) consumer.end();
  }

  /** Wakes everyone who waits for events. */
  wake(): void {
    for (const done of [...this.#waiters]) done();
  }
}

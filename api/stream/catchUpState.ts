/**
 * How far a subscriber that resumed has caught up. Each topic catches up on its own: it is replayed from the database up to a
 * position that live subscribers have passed, and joins the live stream there. The two therefore never overlap, and no event has
 * to be checked for having been delivered before.
 */

import type { Outcome } from "./eventBatch.ts";
import type { BufferedEvent } from "./eventBuffer.ts";
import { type StreamFilter, selectsSource } from "./filter.ts";
import type { EventHub } from "./hub.ts";
import {
  encodeTopic,
  type StreamPosition,
  TOPICS,
  type Topic,
  topicOf,
  withTopic,
} from "./streamPosition.ts";

export interface CatchUpTiming {
  /** How long to wait before a topic that cannot be replayed yet is tried again. */
  readonly retryMs: number;
  /** How long to wait for a position that this process has not indexed yet. */
  readonly maxAheadWaitMs: number;
}

export interface CatchUpStateOptions {
  readonly hub: EventHub;
  readonly filter: StreamFilter;
  /** Where the subscriber left off. */
  readonly from: StreamPosition;
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  readonly timing: CatchUpTiming;
}

/** The next attempt to replay a topic. */
interface Retry {
  readonly retryAt: number;
  /** The live position of the topic at the last attempt: once it has moved, there may be a reason to try sooner. */
  readonly livePosition: string;
  readonly attempts: number;
}

export class CatchUpState {
  position: StreamPosition;
  readonly #options: CatchUpStateOptions;
  readonly #startedAt: number;
  /** For each live topic, the number of the last buffered event that was handled. */
  readonly #liveAfter = new Map<Topic, number>();
  readonly #retries = new Map<Topic, Retry>();

  constructor(options: CatchUpStateOptions) {
    this.position = options.from;
    this.#options = options;
    this.#startedAt = options.elapsed();
  }

  /** The number of the last buffered event that no live topic needs any more; null while no topic is live. */
  get cursor(): number | null {
    return this.#liveAfter.size === 0 ? null : Math.min(...this.#liveAfter.values());
  }

  /** Topics that may have missed events which are no longer buffered. */
  get missingTopics(): readonly Topic[] {
    return TOPICS.filter((topic) => !this.#liveAfter.has(topic));
  }

  /** Missing topics that may be tried now. */
  get dueTopics(): readonly Topic[] {
    return this.missingTopics.filter((topic) => this.#isDue(topic));
  }

  get isLive(): boolean {
    return this.#liveAfter.size === TOPICS.length;
  }

  /** Whether a position ahead of this process is still waited for. */
  get waitsForAhead(): boolean {
    return this.#options.elapsed() - this.#startedAt < this.#options.timing.maxAheadWaitMs;
  }

  joinLive(topic: Topic, number: number): void {
    this.#liveAfter.set(topic, number);
  }

  /** Joins the live stream on every topic whose missed events are all buffered, or of which the filter selects nothing. */
  joinLiveTopics(): void {
    const { hub, filter } = this.#options;
    for (const topic of this.missingTopics) {
      const isSelected = selectsSource(filter.types, topic);
      if (!isSelected) this.position = withTopic(this.position, topic, hub.position);
      const number = isSelected ? hub.findJoinNumber(topic, this.position) : hub.lastNumber;
      if (number !== null) this.joinLive(topic, number);
    }
  }

  /** Handles a buffered event. @returns whether it is one that the subscriber has not received. */
  receive({ event, number, position }: BufferedEvent): boolean {
    const joined = this.#liveAfter.get(topicOf(event.offset.source));
    const isNew = number > (joined ?? Number.POSITIVE_INFINITY);
    for (const [topic, after] of this.#liveAfter)
      if (number > after) {
        this.#liveAfter.set(topic, number);
        this.position = withTopic(this.position, topic, position);
      }
    return isNew;
  }

  /** Moves the live topics to the live position, which may have advanced without an event. */
  syncLiveTopics(): void {
    for (const topic of this.#liveAfter.keys())
      this.position = withTopic(this.position, topic, this.#options.hub.position);
  }

  #isDue(topic: Topic): boolean {
    const retry = this.#retries.get(topic);
    const { elapsed, hub } = this.#options;
    if (retry === undefined || elapsed() >= retry.retryAt) return true;
    const hasMoved = retry.livePosition !== encodeTopic(topic, hub.position);
    return retry.attempts > 0 && hasMoved && !this.#isAhead(topic);
  }

  /** Whether the subscriber has received more of a topic than this process has published. */
  #isAhead(topic: Topic): boolean {
    const { position: live } = this.#options.hub;
    const { position } = this;
    if (topic === "nodes") return false;
    if ((position[topic]?.block ?? -1) > (live[topic]?.block ?? -1)) return true;
    return topic === "og" && (position.proofs?.revision ?? 0) > (live.proofs?.revision ?? 0);
  }

  retryAt(topic: Topic): number | undefined {
    return this.#retries.get(topic)?.retryAt;
  }

  /** Keeps a topic from being tried again at once, whatever becomes of the attempt that begins now. */
  beginAttempt(topic: Topic): void {
    const { elapsed, timing } = this.#options;
    this.#setRetry(topic, elapsed() + timing.retryMs, this.#retries.get(topic)?.attempts ?? 0);
  }

  /** Decides when a topic is tried again after an attempt. */
  endAttempt(topic: Topic, outcome: Outcome): void {
    const { elapsed, timing } = this.#options;
    const { retryMs, maxAheadWaitMs } = timing;
    const now = elapsed();
    if (outcome === "partial") this.#retries.delete(topic);
    else if (outcome === "complete") this.#setRetry(topic, now + retryMs, 0);
    else {
      const waitsUntil = this.#startedAt + maxAheadWaitMs;
      const attempts = (this.#retries.get(topic)?.attempts ?? 0) + 1;
      const backoff = now + Math.min(maxAheadWaitMs, retryMs * 2 ** attempts);
      this.#setRetry(topic, this.#isAhead(topic) && waitsUntil > now ? waitsUntil : backoff, attempts);
    }
  }

  #setRetry(topic: Topic, retryAt: number, attempts: number): void {
    const livePosition = encodeTopic(topic, this.#options.hub.position);
    this.#retries.set(topic, { retryAt, attempts, livePosition });
  }
}

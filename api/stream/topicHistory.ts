/**
 * The positions that live subscribers have passed on one topic. A subscriber that was caught up to one of them can continue with
 * the events published since.
 */
import { encodeTopic, type StreamPosition, type Topic } from "./streamPosition.ts";

/** A position on the topic, and the number of the event that led to it. */
export interface Checkpoint {
  readonly position: StreamPosition;
  readonly number: number;
}

/** Covers a full buffer of events plus hours in which no event was visible. */
const MAX_CHECKPOINTS = 8_192;

export class TopicHistory {
  readonly #topic: Topic;
  /** By the position's text form, in the order in which they were last reached. */
  readonly #checkpoints = new Map<string, Checkpoint>();
  #current: string | null = null;
  /** The number of the topic's last event. */
  #lastEvent = 0;

  constructor(topic: Topic) {
    this.#topic = topic;
  }

  /** An event of this topic was published. */
  recordEvent(number: number): void {
    this.#lastEvent = number;
  }

  /** Live subscribers reached a position with an event, which may belong to another topic. */
  recordPosition(position: StreamPosition, number: number): void {
    const key = encodeTopic(this.#topic, position);
    if (key === this.#current) return;
    this.#current = key;
    this.#checkpoints.delete(key);
    this.#checkpoints.set(key, { position, number });
    const [oldest] = this.#checkpoints.keys();
    if (this.#checkpoints.size > MAX_CHECKPOINTS && oldest !== undefined) this.#checkpoints.delete(oldest);
  }

  /** Forgets all positions: rows published so far may be void, so each subscriber has to be reconciled first. */
  clear(): void {
    this.#checkpoints.clear();
    this.#current = null;
  }

  /** The last time that live subscribers were at a position; null when that is unknown. */
  find(position: StreamPosition): Checkpoint | null {
    return this.#checkpoints.get(encodeTopic(this.#topic, position)) ?? null;
  }

  get newestFirst(): readonly Checkpoint[] {
    return [...this.#checkpoints.values()].reverse();
  }

  /** Whether no event of the topic was published after the checkpoint. */
  isUnchangedSince({ number }: Checkpoint): boolean {
    return this.#lastEvent <= number;
  }
}

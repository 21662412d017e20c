/** The events that one transaction read for a topic, and the builder that collects them. */
import type { PositionedEvent, StreamEvent } from "./events.ts";
import { type SourceOffset, type StreamPosition, withOffset } from "./streamPosition.ts";

/** `partial`: the rest comes with the next batch. `blocked`: nothing can be delivered now. */
export type Outcome = "complete" | "partial" | "blocked";

export interface EventBatch {
  readonly events: readonly PositionedEvent[];
  /** The position of a subscriber that has received them. */
  readonly position: StreamPosition;
  readonly outcome: Outcome;
}

export class EventBatchBuilder implements EventBatch {
  readonly events: PositionedEvent[] = [];
  position: StreamPosition;
  outcome: Outcome = "complete";

  constructor(from: StreamPosition) {
    this.position = from;
  }

  add(event: StreamEvent): void {
    this.advance(event.offset);
    this.events.push({ event, position: this.position });
  }

  /** Moves on without an event. */
  advance(offset: SourceOffset): void {
    this.position = withOffset(this.position, offset);
  }
}

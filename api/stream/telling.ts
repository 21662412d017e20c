/** A step while it is put together. */
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { moveTo, type PartPlace, type StreamPlace } from "./place.ts";

/** `partial`: the rest comes with the next step. `held`: nothing can be told now. */
export type Outcome = "complete" | "partial" | "held";

export class Telling {
  readonly events: PlacedEvent[] = [];
  place: StreamPlace;
  outcome: Outcome = "complete";

  constructor(from: StreamPlace) {
    this.place = from;
  }

  tell(event: StreamEvent): void {
    this.move(event.place);
    this.events.push({ event, place: this.place });
  }

  /** Goes on without an event. */
  move(place: PartPlace): void {
    this.place = moveTo(this.place, place);
  }
}

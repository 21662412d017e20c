/** A step while it is put together. */
import type { ChainName } from "../../config/environment.ts";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { moveTo, type PartPlace, type StreamPlace } from "./place.ts";

export class Telling {
  readonly events: PlacedEvent[] = [];
  readonly held = new Set<ChainName | "proofs">();
  place: StreamPlace;
  complete = true;

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

  /** Nothing of a part can be told now. What follows from a chain's rows waits with them. */
  hold(part: ChainName | "proofs"): void {
    this.held.add(part);
    if (part === "og") this.held.add("proofs");
  }

  /** The rest comes with the next step. */
  leaveOff(): void {
    this.complete = false;
  }
}

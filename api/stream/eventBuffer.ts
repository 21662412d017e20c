/** The newest events of the stream, as many as fit into a number of bytes. Every subscriber reads from the same buffer. */
import type { DeliveredEvent } from "./events.ts";
import type { StreamPosition } from "./streamPosition.ts";

/** An event as it is sent to live subscribers, serialised once for all of them. */
export interface BufferedEvent extends DeliveredEvent {
  /** 1, 2, 3 … in order of publication. */
  readonly number: number;
  /** The position that `id` is the text form of. */
  readonly position: StreamPosition;
}

/** What an event takes in memory beside its JSON. */
export const EVENT_OVERHEAD_BYTES = 500;

/** What an event takes in memory. */
export const sizeOf = ({ json }: { readonly json: string }): number => json.length + EVENT_OVERHEAD_BYTES;

export class EventBuffer {
  readonly #maxBytes: number;
  #events: BufferedEvent[] = [];
  #bytes = 0;
  /** The number of the newest event. */
  #lastNumber = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  append(event: Omit<BufferedEvent, "number">): void {
    this.#lastNumber += 1;
    const numbered = { number: this.#lastNumber, ...event };
    this.#events.push(numbered);
    this.#bytes += sizeOf(numbered);
  }

  /** Drops the oldest events until the rest fits. @returns whether any was dropped. */
  evict(): boolean {
    let dropped = 0;
    for (const event of this.#events) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#bytes -= sizeOf(event);
      dropped += 1;
    }
    if (dropped > 0) this.#events = this.#events.slice(dropped);
    return dropped > 0;
  }

  /** Whether every event after this number is still in the buffer. */
  hasAllAfter(number: number): boolean {
    return number >= this.#lastNumber - this.#events.length;
  }

  /** The first `limit` events after a number. @throws {Error} when some of them were dropped. */
  after(number: number, limit: number): readonly BufferedEvent[] {
    if (!this.hasAllAfter(number)) throw new Error(`events after ${number} are no longer buffered`);
    const index = number - (this.#lastNumber - this.#events.length);
    return this.#events.slice(index, index + limit);
  }
}

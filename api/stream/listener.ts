/**
 * One who listens: first told what it missed, if it was here before, then what comes. It takes what it is told at its own
 * pace, out of what is kept for everyone; nothing is queued for it.
 */
import type { StreamEvent } from "./events.ts";
import { isWanted, type StreamFilter } from "./filter.ts";
import type { Entry, EventHub, Reader } from "./hub.ts";
import { encodePlace, isBeyond, moveTo, type PartPlace, partsOf, type StreamPlace } from "./place.ts";
import type { Step } from "./readStep.ts";
import type { Lateness } from "./settle.ts";

/** An event as a listener is told of it. */
export interface Told {
  readonly event: StreamEvent;
  readonly json: string;
  /** Names where the listener is then. */
  readonly id: string;
}

export type Delivery =
  | { readonly kind: "events"; readonly told: readonly Told[] }
  /** Nothing new; where the listener is. */
  | { readonly kind: "alive"; readonly id: string };

/** What a listener that comes back is told from. */
export interface Past {
  /** What comes after a place, in a transaction of its own. */
  readonly step: (
    from: StreamPlace,
    filter: StreamFilter,
    lateness: Lateness,
    signal: AbortSignal,
  ) => Promise<Step>;
  /** All nodes as they were told of last, in pieces; null while they are not known. */
  readonly nodes: () => {
    readonly snapshot: string;
    readonly pieces: Iterable<readonly Omit<Told, "id">[]>;
  } | null;
}

export interface ListenerOptions {
  readonly hub: EventHub;
  readonly past: Past;
  readonly filter: StreamFilter;
  /** Where it was; null when it is new. */
  readonly from: StreamPlace | null;
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
  /** Called when it is cut off, for falling behind. */
  readonly onCut: () => void;
  readonly client: Reader["client"];
  readonly timing?: Partial<ListenerTiming>;
}

export interface ListenerTiming {
  /** Silence is broken after so long. */
  readonly keepAliveMs: number;
  /** What cannot be told of yet is tried again so often. */
  readonly retryMs: number;
  /** A place that is not indexed here is waited for so long. */
  readonly aheadMs: number;
  /** Rows that were missed are sent if they are not older than this. */
  readonly retentionSeconds: number;
}

export const LISTENER_TIMING: ListenerTiming = {
  keepAliveMs: 15_000,
  retryMs: 1_000,
  aheadMs: 30_000,
  retentionSeconds: 86_400,
};

/** Events taken in one go: what is in hand while it is sent. */
const MOST_AT_ONCE = 200;

type Part = PartPlace["part"];

export class Listener implements Reader {
  readonly #options: ListenerOptions;
  readonly #timing: ListenerTiming;
  readonly #over = new AbortController();
  readonly #since: number;
  /** The number of the kept event that it took last; null while it is told from the database. */
  #cursor: number | null = null;
  /** Where it is, while that is not where everyone is. */
  #own: StreamPlace | null;
  /** Of the kept events up to this number, what it was not told of came from the database. */
  #settledAt = 0;
  /** The same for events about nodes. */
  #nodesAfter = 0;
  #owesNodes = false;
  /** What it cannot be told of yet. */
  #held: ReadonlySet<Part> = new Set();
  #triedAt = 0;

  /** @throws {ApiError} `busy` or `rate-limited` when nobody else may listen. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#timing = { ...LISTENER_TIMING, ...options.timing };
    this.#own = options.from;
    this.#since = options.elapsed();
    options.hub.enter(this);
  }

  get client(): Reader["client"] {
    return this.#options.client;
  }

  get cursor(): number | null {
    return this.#cursor;
  }

  end(): void {
    this.#over.abort();
  }

  cut(): void {
    this.end();
    this.#options.onCut();
  }

  /** It listens no more. */
  close(): void {
    this.end();
    this.#options.hub.leave(this);
  }

  /** Ends when the listener does. @throws whatever keeps it from being told what it missed. */
  async *deliveries(): AsyncGenerator<Delivery, void> {
    const { hub, elapsed } = this.#options;
    const { keepAliveMs, retryMs } = this.#timing;
    try {
      this.#cursor = this.#join();
      yield this.#alive();
      if (this.#cursor === null) yield* this.#catchUp();
      let dueAt = elapsed() + keepAliveMs;
      while (!this.#over.signal.aborted) {
        if (this.#mayTryAgain()) {
          yield* this.#tellMissed();
          yield* this.#tellNodes();
        }
        const told = this.#take();
        if (told.length > 0) yield { kind: "events", told };
        else if (this.#isBehind()) continue;
        else if (elapsed() >= dueAt) yield this.#alive();
        else {
          const ms = dueAt - elapsed();
          await hub.wait(this.#held.size > 0 ? Math.min(ms, retryMs) : ms, this.#over.signal);
          continue;
        }
        dueAt = elapsed() + keepAliveMs;
      }
    } finally {
      this.close();
    }
  }

  #id(): string {
    return this.#own === null ? this.#options.hub.id : encodePlace(this.#own);
  }

  #alive(): Delivery {
    return { kind: "alive", id: this.#id() };
  }

  #move(place: PartPlace): void {
    if (this.#own !== null) this.#own = moveTo(this.#own, place);
  }

  #tell(event: StreamEvent, json: string): readonly Told[] {
    return isWanted(this.#options.filter, event) ? [{ event, json, id: this.#id() }] : [];
  }

  /** The number of the kept event to go on after; null when not all that was missed is kept. */
  #join(): number | null {
    const { hub, filter } = this.#options;
    if (this.#own === null) return hub.number;
    const number = hub.resumesAfter(this.#own);
    if (number === null || !hub.keeps(number)) return null;
    this.#settledAt = number;
    this.#nodesAfter = number;
    const isNothingKnown = this.#own.nodes === null && hub.place.nodes === null;
    if (!filter.types.has("node") || isNothingKnown) return number;
    const nodesAfter = hub.nodesAfter(this.#own.nodes);
    if (nodesAfter === null || nodesAfter < number) return null;
    this.#nodesAfter = nodesAfter;
    return number;
  }

  /** Tells what is not kept any more, until the rest is. */
  async *#catchUp(): AsyncGenerator<Delivery, void> {
    const { hub, filter } = this.#options;
    let number: number;
    do {
      ({ number } = hub);
      const told = hub.nodesAfter(this.#own?.nodes ?? null);
      this.#owesNodes = filter.types.has("node") && told === null;
      this.#nodesAfter = told ?? number;
      yield* this.#tellMissed();
      yield* this.#tellNodes();
      // Kept events about nodes may be newer than the snapshot, though they are older than that.
      if (filter.types.has("node")) number = Math.min(number, this.#nodesAfter);
    } while (!hub.keeps(number));
    this.#cursor = number;
  }

  /** From the database; also what everyone was told since, which is then not told again. */
  async *#tellMissed(): AsyncGenerator<Delivery, void> {
    const { past, filter, elapsed, hub } = this.#options;
    this.#triedAt = elapsed();
    let isComplete = false;
    while (!isComplete) {
      const ahead = elapsed() - this.#since < this.#timing.aheadMs ? "wait" : "reset";
      const lateness = { ahead, retentionSeconds: this.#timing.retentionSeconds } as const;
      this.#settledAt = hub.number;
      const step = await past.step(this.#own ?? hub.place, filter, lateness, this.#over.signal);
      const told = step.events.flatMap(({ event, place }) => {
        this.#own = place;
        return this.#tell(event, JSON.stringify(event.data));
      });
      this.#own = step.place;
      this.#held = step.held;
      isComplete = step.complete;
      if (told.length > 0) yield { kind: "events", told };
    }
  }

  async *#tellNodes(): AsyncGenerator<Delivery, void> {
    const { hub, past } = this.#options;
    if (!this.#owesNodes) return;
    const now = past.nodes();
    if (now === null) {
      this.#held = new Set([...this.#held, "nodes"]);
      this.#nodesAfter = hub.number;
      return;
    }
    this.#nodesAfter = hub.snapshotShownAt(now.snapshot);
    for (const piece of now.pieces) {
      const told = piece.flatMap(({ event, json }) => this.#tell(event, json));
      if (told.length > 0) yield { kind: "events", told };
    }
    this.#move({ part: "nodes", at: now.snapshot });
    this.#owesNodes = false;
    // What was passed by of the next snapshot, while this one was not there, is new.
    if (this.#cursor !== null && hub.keeps(this.#nodesAfter))
      this.#cursor = Math.min(this.#cursor, this.#nodesAfter);
  }

  /** Whether what is held may have become possible to tell of. */
  #mayTryAgain(): boolean {
    const { hub, past, elapsed } = this.#options;
    if (this.#held.size === 0 || elapsed() < this.#triedAt + this.#timing.retryMs) return false;
    return [...this.#held].some((part) => {
      if (part === "nodes") return past.nodes() !== null;
      return hub.isFollowed(part === "proofs" ? "og" : part);
    });
  }

  /** What was told to everyone since, as far as it is wanted and was not told already. */
  #take(): readonly Told[] {
    const { hub, filter } = this.#options;
    const cursor = this.#cursor ?? hub.number;
    const entries = hub.after(cursor, MOST_AT_ONCE);
    this.#cursor = cursor + entries.length;
    if (this.#own === null) return entries.filter(({ event }) => isWanted(filter, event));
    const told = entries.flatMap((entry) => {
      const isNew = this.#isNew(entry);
      this.#follow(entry.number, entry.place);
      if (!isNew) return [];
      this.#move(entry.event.place);
      return this.#tell(entry.event, entry.json);
    });
    if (this.#isBehind()) return told;
    this.#follow(hub.number, hub.place);
    if (this.#held.size === 0 && this.#id() === hub.id) this.#own = null;
    return told;
  }

  #isBehind(): boolean {
    return this.#cursor !== null && this.#cursor < this.#options.hub.number;
  }

  #isNew({ event, number }: Entry): boolean {
    const { place } = event;
    if (this.#held.has(place.part) || this.#own === null) return false;
    if (place.part === "nodes") return number > this.#nodesAfter;
    return number > this.#settledAt && (event.type === "reset" || isBeyond(place, this.#own));
  }

  /** It was told, or had been told, all that everyone was told up to an event: it is as far as that. */
  #follow(number: number, everyone: StreamPlace): void {
    for (const place of partsOf(everyone)) {
      if (this.#own === null || this.#held.has(place.part)) continue;
      const settledAt = place.part === "nodes" ? this.#nodesAfter : this.#settledAt;
      if (number >= settledAt && isBeyond(place, this.#own)) this.#move(place);
    }
  }
}

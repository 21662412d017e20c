/**
 * One who listens: first told what it missed, if it was here before, then what comes. It takes what it is told at its own
 * pace, out of what is kept for everyone; nothing is queued for it.
 *
 * Each line is told apart: from the database up to a place where everyone was, then out of what everyone was told after that
 * place. So the two never overlap, and nothing that comes from one has to be looked for in the other.
 */
import { CHAIN_NAMES } from "../../config/environment.ts";
import type { StreamEvent } from "./events.ts";
import { concerns, isWanted, type StreamFilter } from "./filter.ts";
import type { Entry, EventHub, Reader } from "./hub.ts";
import type { NodeFollower } from "./nodeFollower.ts";
import type { Past } from "./past.ts";
import { encodePlace, LINES, type Line, lineOf, NOWHERE, type StreamPlace, withLine } from "./place.ts";

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

export interface ListenerOptions {
  readonly hub: EventHub;
  readonly past: Pick<Past, "steps">;
  readonly nodes: Pick<NodeFollower, "now">;
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

/** Where a listener is who is not where everyone is. */
interface Apart {
  place: StreamPlace;
  /** By line, the number of the last kept event that it needs no more; absent while it is told the line from elsewhere. */
  readonly after: Map<Line, number>;
}

export class Listener implements Reader {
  readonly #options: ListenerOptions;
  readonly #timing: ListenerTiming;
  readonly #over = new AbortController();
  readonly #since: number;
  /** The number of the kept event that it took last; null while it takes none. */
  #cursor: number | null;
  /** Null when it was told all that everyone was told up to there. */
  #apart: Apart | null;
  /** What is not kept is looked for again then. */
  #tryAt = 0;

  /** @throws {ApiError} `busy` or `rate-limited` when nobody else may listen. */
  constructor(options: ListenerOptions) {
    const { hub, from } = options;
    this.#options = options;
    this.#timing = { ...LISTENER_TIMING, ...options.timing };
    this.#apart = from === null ? null : { place: from, after: new Map() };
    this.#cursor = from === null ? hub.number : null;
    this.#since = options.elapsed();
    hub.enter(this);
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
    const { keepAliveMs } = this.#timing;
    try {
      yield this.#alive();
      let dueAt = elapsed() + keepAliveMs;
      while (!this.#over.signal.aborted) {
        if (this.#mayLookAgain()) yield* this.#tellMissed();
        const told = this.#take();
        if (told.length > 0) yield { kind: "events", told };
        else if (this.#isBehind() || this.#mayLookAgain()) continue;
        else if (elapsed() >= dueAt) yield this.#alive();
        else {
          const until = this.#lacking().length > 0 ? Math.min(dueAt, this.#tryAt) : dueAt;
          await hub.wait(until - elapsed(), this.#over.signal);
          continue;
        }
        dueAt = elapsed() + keepAliveMs;
      }
    } finally {
      this.close();
    }
  }

  #alive(): Delivery {
    return {
      kind: "alive",
      id: this.#apart === null ? this.#options.hub.id : encodePlace(this.#apart.place),
    };
  }

  /** Lines of which it may have missed something that is not kept. */
  #lacking(): readonly Line[] {
    const apart = this.#apart;
    return apart === null ? [] : LINES.filter((line) => !apart.after.has(line));
  }

  /** Whether it is lacking something, after another look, that may be had now. */
  #mayLookAgain(): boolean {
    this.#join();
    return this.#lacking().length > 0 && this.#options.elapsed() >= this.#tryAt;
  }

  #isBehind(): boolean {
    return this.#cursor !== null && this.#cursor < this.#options.hub.number;
  }

  /** Goes on with what is kept, on every line where nothing else is missing. */
  #join(): void {
    const { hub, filter } = this.#options;
    const apart = this.#apart;
    if (apart === null) return;
    for (const line of this.#lacking()) {
      const isWanted = concerns(filter.types, line);
      if (!isWanted) apart.place = withLine(apart.place, line, hub.place);
      const number = isWanted ? hub.numberAt(line, apart.place) : hub.number;
      if (number !== null) apart.after.set(line, number);
    }
    this.#setCursor(apart);
  }

  #setCursor({ after }: Apart): void {
    this.#cursor = after.size === 0 ? null : Math.min(...after.values());
  }

  /** From the database, as far as everyone was told, or a step of that. */
  async *#tellMissed(): AsyncGenerator<Delivery, void> {
    const { past, filter, elapsed, hub } = this.#options;
    const { retryMs, aheadMs, retentionSeconds } = this.#timing;
    const apart = this.#apart;
    if (apart === null) return;
    const lacking = this.#lacking();
    const chains = CHAIN_NAMES.filter((chain) => lacking.includes(chain) && hub.isFollowed(chain));
    let isPartial = false;
    if (chains.length > 0) {
      const ahead = elapsed() - this.#since < aheadMs ? "wait" : "reset";
      const { signal } = this.#over;
      const steps = await past.steps(chains, apart.place, filter, { ahead, retentionSeconds }, signal);
      const told: Told[] = [];
      for (const { chain, step } of steps) {
        for (const { event, place } of step.events) {
          apart.place = withLine(apart.place, chain, place);
          told.push(...this.#tell(apart, event, JSON.stringify(event.data)));
        }
        apart.place = withLine(apart.place, chain, step.place);
        isPartial ||= step.outcome === "partial";
      }
      // From here on it falls behind when it is too slow.
      this.#join();
      if (told.length > 0) yield { kind: "events", told };
    }
    if (lacking.includes("nodes")) yield* this.#tellNodes(apart);
    this.#tryAt = isPartial ? 0 : elapsed() + retryMs;
  }

  /** All of them as they are now. */
  async *#tellNodes(apart: Apart): AsyncGenerator<Delivery, void> {
    const { hub, nodes } = this.#options;
    const now = nodes.now();
    if (now === null) return;
    const place: StreamPlace = { ...NOWHERE, nodes: now.snapshot };
    const number = hub.numberAt("nodes", place);
    if (number === null) return;
    // From here on it falls behind when it is too slow.
    apart.after.set("nodes", number);
    this.#setCursor(apart);
    for (const piece of now.pieces) {
      if (this.#over.signal.aborted) return;
      const told = piece.flatMap(({ event, json }) => this.#tell(apart, event, json));
      if (told.length > 0) yield { kind: "events", told };
    }
    apart.place = withLine(apart.place, "nodes", place);
  }

  #tell({ place }: Apart, event: StreamEvent, json: string): readonly Told[] {
    return isWanted(this.#options.filter, event) ? [{ event, json, id: encodePlace(place) }] : [];
  }

  /** What was told to everyone since, as far as it is wanted and was not told already. */
  #take(): readonly Told[] {
    const { hub, filter } = this.#options;
    // Who was cut off meanwhile may lack what is not kept any more.
    if (this.#cursor === null || this.#over.signal.aborted) return [];
    const entries = hub.after(this.#cursor, MOST_AT_ONCE);
    this.#cursor += entries.length;
    const apart = this.#apart;
    if (apart === null) return entries.filter(({ event }) => isWanted(filter, event));
    const told = entries.flatMap((entry) => this.#takeApart(apart, entry));
    if (this.#cursor === hub.number) {
      // Everyone may have gone on without an event.
      for (const line of apart.after.keys()) apart.place = withLine(apart.place, line, hub.place);
      if (apart.after.size === LINES.length) this.#apart = null;
    }
    return told;
  }

  #takeApart(apart: Apart, { event, json, number, place }: Entry): readonly Told[] {
    const line = lineOf(event.place.part);
    const isNew = number > (apart.after.get(line) ?? Number.POSITIVE_INFINITY);
    for (const [joined, after] of apart.after)
      if (number > after) {
        apart.after.set(joined, number);
        apart.place = withLine(apart.place, joined, place);
      }
    return isNew ? this.#tell(apart, event, json) : [];
  }
}

/**
 * One who listens: first told what it missed, if it was here before, then what comes. It takes what it is told at its own
 * pace, out of what is kept for everyone; nothing is queued for it.
 *
 * Each line is told apart: from the database up to a place where everyone was, then out of what everyone was told after that
 * place. So the two never overlap, and nothing that comes from one has to be looked for in the other.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { StreamEvent } from "./events.ts";
import { concerns, isWanted, type StreamFilter } from "./filter.ts";
import { ENTRY_BYTES, type Entry, type EventHub, type Reader } from "./hub.ts";
import type { NodeFollower } from "./nodeFollower.ts";
import type { Past } from "./past.ts";
import {
  encodeLine,
  encodePlace,
  LINES,
  type Line,
  lineOf,
  NOWHERE,
  type StreamPlace,
  withLine,
} from "./place.ts";
import type { Outcome } from "./telling.ts";

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
  /** Who it is, as connections to the database are divided among. */
  readonly shareKey?: string | undefined;
  /** Takes what it costs to tell it what it missed; absent for those who are not counted. */
  readonly charge?: Charge | undefined;
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

/** Events looked at in one go. */
const MAX_AT_ONCE = 200;
/** Told in one go, give or take an event: what is in hand while it is sent. */
const PIECE_BYTES = 16_384;
/** Of looks for what a listener missed, for the client's rate limit: so much each, and one unit per so many events. */
const LOOK_COST = 0.1;
const EVENTS_PER_UNIT = 100;

/** A line that cannot be told now. */
interface Held {
  /** Looked for again then, whatever happened. */
  readonly until: number;
  /** Where everyone was: once they have moved, and as far as the listener was told, there is a reason to look before. */
  readonly there: string;
  readonly tries: number;
}

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
  readonly #held = new Map<Line, Held>();
  /** Of what it missed, in hand and not yet given out. */
  #missedBytes = 0;

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

  /** Aborted when it listens no more: nothing needs to be made for it then. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** It took all that it was given before, and so much is being sent to it now. */
  sending(bytes: number): void {
    this.#options.hub.hold(this, bytes + this.#missedBytes);
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
          const tries = this.#lacking().map((line) => this.#held.get(line)?.until ?? dueAt);
          await hub.wait(Math.min(dueAt, ...tries) - elapsed(), this.#over.signal);
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
    return this.#lacking().some((line) => this.#isDue(line));
  }

  #isDue(line: Line): boolean {
    const held = this.#held.get(line);
    if (held === undefined || this.#options.elapsed() >= held.until) return true;
    return held.tries > 0 && held.there !== encodeLine(line, this.#options.hub.place) && !this.#isAhead(line);
  }

  /** Whether it was told more of a line than everyone was here. */
  #isAhead(line: Line): boolean {
    const { place: there } = this.#options.hub;
    const place = this.#apart?.place ?? there;
    if (line === "nodes") return false;
    if ((place[line]?.block ?? -1) > (there[line]?.block ?? -1)) return true;
    return line === "og" && (place.proofs?.revision ?? 0) > (there.proofs?.revision ?? 0);
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
    const { hub, elapsed } = this.#options;
    const { retryMs } = this.#timing;
    const apart = this.#apart;
    if (apart === null) return;
    const due = this.#lacking().filter((line) => this.#isDue(line));
    // Whatever happens, what is due now is not due again at once.
    for (const line of due) this.#hold(line, elapsed() + retryMs, this.#held.get(line)?.tries ?? 0);
    const chains = CHAIN_NAMES.filter((chain) => due.includes(chain) && hub.isFollowed(chain));
    if (chains.length > 0) {
      const told = await this.#readMissed(apart, chains);
      const cost = LOOK_COST + told.length / EVENTS_PER_UNIT;
      yield* this.#giveMissed(told);
      yield* this.afford(cost);
    }
    if (due.includes("nodes")) yield* this.#tellNodes(apart);
  }

  async #readMissed(apart: Apart, chains: readonly ChainName[]): Promise<Told[]> {
    const { past, filter, elapsed, shareKey } = this.#options;
    const { aheadMs, retentionSeconds } = this.#timing;
    const ahead = elapsed() - this.#since < aheadMs ? "wait" : "reset";
    const { signal } = this.#over;
    const lateness = { ahead, retentionSeconds } as const;
    const steps = await past.steps(chains, apart.place, filter, lateness, { signal, shareKey });
    const told: Told[] = [];
    for (const { chain, step } of steps) {
      for (const { event, place } of step.events) {
        apart.place = withLine(apart.place, chain, place);
        told.push(...this.#tell(apart, event, JSON.stringify(event.data)));
      }
      apart.place = withLine(apart.place, chain, step.place);
      this.#holdBack(chain, step.outcome);
    }
    // From here on it falls behind when it is too slow.
    this.#join();
    return told;
  }

  /** When a chain is looked at again. */
  #holdBack(chain: ChainName, outcome: Outcome): void {
    const { elapsed } = this.#options;
    const { retryMs, aheadMs } = this.#timing;
    const now = elapsed();
    if (outcome === "partial") this.#held.delete(chain);
    else if (outcome === "complete") this.#hold(chain, now + retryMs, 0);
    else {
      const waitsUntil = this.#since + aheadMs;
      const tries = (this.#held.get(chain)?.tries ?? 0) + 1;
      const backoff = now + Math.min(aheadMs, retryMs * 2 ** tries);
      this.#hold(chain, this.#isAhead(chain) && waitsUntil > now ? waitsUntil : backoff, tries);
    }
  }

  #hold(line: Line, until: number, tries: number): void {
    this.#held.set(line, { until, tries, there: encodeLine(line, this.#options.hub.place) });
  }

  *#giveMissed(told: Told[]): Generator<Delivery, void> {
    this.#missedBytes = told.reduce((sum, { json }) => sum + json.length + ENTRY_BYTES, 0);
    while (told.length > 0) {
      const piece = told.splice(0, pieceLength(told));
      this.#missedBytes -= piece.reduce((sum, { json }) => sum + json.length + ENTRY_BYTES, 0);
      yield { kind: "events", told: piece };
    }
  }

  /** Takes the cost from the client's budget, or waits until there is enough; comments keep the connection meanwhile. */
  async *afford(cost: number): AsyncGenerator<Extract<Delivery, { kind: "alive" }>, void> {
    const { charge = () => 0 } = this.#options;
    const { keepAliveMs } = this.#timing;
    const { signal } = this.#over;
    for (let waitMs = charge(cost); waitMs > 0 && !signal.aborted; waitMs = charge(cost)) {
      await sleep(Math.min(waitMs, keepAliveMs), undefined, { signal }).catch(() => {});
      if (!signal.aborted) yield { kind: "alive", id: "" };
    }
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
      // These are made once for everyone.
      while (told.length > 0) yield { kind: "events", told: told.splice(0, pieceLength(told)) };
    }
    apart.place = withLine(apart.place, "nodes", place);
  }

  #tell({ place }: Apart, event: StreamEvent, json: string): Told[] {
    return isWanted(this.#options.filter, event) ? [{ event, json, id: encodePlace(place) }] : [];
  }

  /** What was told to everyone since, as far as it is wanted and was not told already. */
  #take(): readonly Told[] {
    const { hub, filter } = this.#options;
    // Who was cut off meanwhile may lack what is not kept any more.
    if (this.#cursor === null || this.#over.signal.aborted) return [];
    const next = hub.after(this.#cursor, MAX_AT_ONCE);
    const entries = next.slice(0, pieceLength(next));
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

/** How many events fit into a piece; one that does not fit into any is a piece of its own. */
function pieceLength(told: readonly Pick<Told, "json">[]): number {
  let bytes = 0;
  const tooMany = told.findIndex(({ json }) => {
    bytes += json.length;
    return bytes > PIECE_BYTES;
  });
  return tooMany < 0 ? told.length : Math.max(1, tooMany);
}

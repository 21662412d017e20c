/**
 * One process's stream: every event once, in order, the newest of them kept for those who are a little behind, and everyone
 * who listens. It knows nothing of databases.
 */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import { LineHistory, type Passed } from "./lineHistory.ts";
import {
  type ChainPlace,
  encodePlace,
  LINES,
  type Line,
  lineOf,
  NOWHERE,
  type StreamPlace,
  withLine,
} from "./place.ts";
import { ToldBlocks } from "./toldBlocks.ts";
import { Undelivered, type UndeliveredLimits } from "./undelivered.ts";

/** An event as it is kept. */
export interface Entry {
  /** 1, 2, 3 … in the order of telling. */
  readonly number: number;
  readonly event: StreamEvent;
  /** Its data as JSON, written once for everyone. */
  readonly json: string;
  /** Where a listener is who was told of everything up to it. */
  readonly place: StreamPlace;
  /** The same as text. */
  readonly id: string;
}

/** Somebody who reads the kept events. */
export interface Reader {
  /** The number of the last event it took; null while it reads elsewhere. */
  readonly cursor: number | null;
  /** Whose share it is part of; absent for those who are not counted. */
  readonly client?: string | undefined;
  /** It fell behind what is kept. */
  readonly cut: () => void;
  /** Streams end. */
  readonly end: () => void;
}

export interface HubLimits {
  /** Kept events, as JSON: who is further behind is cut off. */
  readonly keptBytes: number;
  readonly listeners: number;
  /** Of one client. */
  readonly listenersPerClient: number;
  /** Kept for those who do not take what they are sent. */
  readonly undelivered?: UndeliveredLimits;
}

/** Some hundred listeners in the middle of what they missed, all of them paused. */
const UNDELIVERED: UndeliveredLimits = { bytes: 16 * 1_048_576, bytesPerClient: 2 * 1_048_576 };

export interface HubUsage {
  readonly listeners: number;
  readonly keptBytes: number;
  /** Kept beside that, for single listeners. */
  readonly undeliveredBytes: number;
  /** Listeners that were cut off since the start. */
  readonly cuts: number;
}

/** An event is more than its JSON. */
export const ENTRY_BYTES = 500;
const RETRY_AFTER_SECONDS = 30;

const sizeOf = ({ json }: Entry): number => json.length + ENTRY_BYTES;

export class EventHub {
  readonly #limits: HubLimits;
  readonly #readers = new Set<Reader>();
  readonly #undelivered: Undelivered<Reader>;
  readonly #waiting = new Set<() => void>();
  readonly #told: Readonly<Record<ChainName, ToldBlocks>> = { og: new ToldBlocks(), base: new ToldBlocks() };
  readonly #histories: Readonly<Record<Line, LineHistory>> = {
    og: new LineHistory("og"),
    base: new LineHistory("base"),
    nodes: new LineHistory("nodes"),
  };
  readonly #followed = new Set<ChainName>();
  #entries: Entry[] = [];
  #bytes = 0;
  #number = 0;
  #place = NOWHERE;
  #id = "";
  #begun = false;
  #ended = false;
  #cuts = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
    this.#undelivered = new Undelivered(limits.undelivered ?? UNDELIVERED);
  }

  /** Where a listener is who was told of everything. */
  get place(): StreamPlace {
    return this.#place;
  }

  /** The same as text. */
  get id(): string {
    return this.#id;
  }

  /** Of the newest event. */
  get number(): number {
    return this.#number;
  }

  /** Whether it is known where the chains are. */
  get begun(): boolean {
    return this.#begun;
  }

  get usage(): HubUsage {
    return {
      listeners: this.#readers.size,
      keptBytes: this.#bytes,
      undeliveredBytes: this.#undelivered.bytes,
      cuts: this.#cuts,
    };
  }

  /** Begins to tell from a place. @param told - blocks up to it, in order. */
  begin(place: StreamPlace, told: Readonly<Record<ChainName, readonly ChainPlace[]>>): void {
    for (const chain of CHAIN_NAMES) for (const block of told[chain]) this.#told[chain].add(block);
    for (const line of LINES) this.#pass(line, place);
    this.#begun = true;
    this.wake();
  }

  publish(events: readonly PlacedEvent[]): void {
    if (events.length === 0) return;
    for (const { event, place } of events) this.#add(event, place);
    this.#evict();
    this.wake();
  }

  /** Everyone is at a place of a line without an event. */
  move(line: Line, place: StreamPlace): void {
    this.#pass(line, place);
  }

  /** Which chains can be answered from now. */
  setFollowed(chains: readonly ChainName[]): void {
    this.#followed.clear();
    for (const chain of chains) this.#followed.add(chain);
  }

  isFollowed(chain: ChainName): boolean {
    return this.#followed.has(chain);
  }

  #add(event: StreamEvent, place: StreamPlace): void {
    this.#number += 1;
    const { part, at } = event.place;
    const line = lineOf(part);
    // Blocks without an event of ours are part of no place: nobody comes back for one.
    const isPassedBy = event.type === "block" && event.data.hash === null;
    if (event.type === "reset") this.#histories[line].clear();
    if (!isPassedBy) this.#histories[line].tell(this.#number);
    this.#pass(line, place);
    const entry: Entry = {
      number: this.#number,
      event,
      json: JSON.stringify(event.data),
      place: this.#place,
      id: this.#id,
    };
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    const isBlock = event.type === "reset" || (event.type === "block" && !isPassedBy);
    if (isBlock && (part === "og" || part === "base")) this.#told[part].add(at);
  }

  #pass(line: Line, place: StreamPlace): void {
    this.#place = withLine(this.#place, line, place);
    this.#id = encodePlace(this.#place);
    this.#histories[line].pass(this.#place, this.#number);
  }

  #evict(): void {
    let gone = 0;
    for (const entry of this.#entries) {
      if (this.#bytes <= this.#limits.keptBytes) break;
      this.#bytes -= sizeOf(entry);
      gone += 1;
    }
    if (gone === 0) return;
    this.#entries = this.#entries.slice(gone);
    for (const reader of this.#readers)
      if (reader.cursor !== null && !this.keeps(reader.cursor)) this.#cut(reader);
  }

  #cut(reader: Reader): void {
    this.#cuts += 1;
    this.leave(reader);
    reader.cut();
  }

  /** Whether everything after this number is kept. */
  keeps(number: number): boolean {
    return number >= this.#number - this.#entries.length;
  }

  /** The first of the events after a number; all of these are kept. */
  after(number: number, limit: number): readonly Entry[] {
    if (!this.keeps(number)) throw new Error(`events after ${number} are not kept any more`);
    const index = number - (this.#number - this.#entries.length);
    return this.#entries.slice(index, index + limit);
  }

  /**
   * The number after which the kept events of a line are all that somebody at this place was not told of; null when that is
   * not known, or more is missing.
   */
  numberAt(line: Line, place: StreamPlace): number | null {
    const passed = this.#histories[line].find(place);
    return passed === null ? null : this.#numberAfter(line, passed);
  }

  /** The newest place where everyone was on a line and after which all that was told is kept, among those that will do. */
  newestPlace(line: Line, willDo: (place: StreamPlace) => boolean): StreamPlace | null {
    const isJoinable = (passed: Passed) => willDo(passed.place) && this.#numberAfter(line, passed) !== null;
    return this.#histories[line].all.find(isJoinable)?.place ?? null;
  }

  #numberAfter(line: Line, passed: Passed): number | null {
    if (this.#histories[line].isLast(passed)) return this.#number;
    return this.keeps(passed.number) ? passed.number : null;
  }

  /** What was told of a chain before a place, the newest first, as far as it is remembered. */
  before(chain: ChainName, place: ChainPlace): readonly ChainPlace[] {
    return this.#told[chain].before(place);
  }

  /** @throws {ApiError} `busy` when nobody else may listen, `rate-limited` when this client may not. */
  enter(reader: Reader): void {
    const { listeners, listenersPerClient } = this.#limits;
    if (this.#readers.size >= listeners)
      throw new ApiError(
        "busy",
        `${listeners} streams are open here already; ask again later, or read the lists.`,
        { listeners },
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    const { client } = reader;
    const ofClient = [...this.#readers].filter((other) => client !== undefined && other.client === client);
    if (ofClient.length >= listenersPerClient)
      throw new ApiError(
        "rate-limited",
        `${listenersPerClient} streams are open here for this address already; close one, or ask for more with one.`,
        { listeners: listenersPerClient },
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
      );
    this.#readers.add(reader);
    if (this.#ended) reader.end();
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader);
    this.#undelivered.release(reader);
  }

  /** A reader took all that it was sent before; so many bytes are kept for it alone now, until it takes these. */
  hold(reader: Reader, bytes: number): void {
    if (!this.#readers.has(reader)) return;
    for (const other of this.#undelivered.hold(reader, bytes)) this.#cut(other);
  }

  /** Resolves when something was told, `ms` have passed, or the signal is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });
  }

  /** Everyone is let go, and whoever comes later, too. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** Lets everyone look again. */
  wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

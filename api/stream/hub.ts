/**
 * One process's stream: every event once, in order, the newest of them kept for those who are a little behind, and everyone
 * who listens. It knows nothing of databases.
 */
import { CHAIN_NAMES, type ChainName } from "../../config/environment.ts";
import { ApiError } from "../errors.ts";
import type { PlacedEvent, StreamEvent } from "./events.ts";
import {
  type ChainPlace,
  encodePlace,
  isChainBeyond,
  isProofsBeyond,
  moveTo,
  NOWHERE,
  type PartPlace,
  type StreamPlace,
} from "./place.ts";
import { ToldBlocks } from "./toldBlocks.ts";

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
}

/** An entry is more than its JSON. */
const ENTRY_BYTES = 500;
/** Snapshots of nodes that a listener who comes back may have been told from last. */
const MOST_SNAPSHOTS = 2_000;

const RETRY_AFTER_SECONDS = 30;

const sizeOf = ({ json }: Entry): number => json.length + ENTRY_BYTES;

export class EventHub {
  readonly #limits: HubLimits;
  readonly #readers = new Set<Reader>();
  readonly #waiting = new Set<() => void>();
  readonly #told: Readonly<Record<ChainName, ToldBlocks>> = { og: new ToldBlocks(), base: new ToldBlocks() };
  /** By the name of a snapshot, the number of the last event from it. */
  readonly #snapshots = new Map<string, number>();
  readonly #followed = new Set<ChainName>();
  #entries: Entry[] = [];
  #bytes = 0;
  #number = 0;
  #place = NOWHERE;
  #id = "";
  #begun = false;
  #ended = false;
  /** Who was told up to here misses nothing when it takes the kept events after that number. */
  #resumable: { readonly place: StreamPlace; readonly number: number } = { place: NOWHERE, number: 0 };
  #cuts = 0;

  constructor(limits: HubLimits) {
    this.#limits = limits;
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

  get usage(): { readonly listeners: number; readonly keptBytes: number; readonly cuts: number } {
    return { listeners: this.#readers.size, keptBytes: this.#bytes, cuts: this.#cuts };
  }

  /** Begins to tell from a place. @param told - whole blocks up to it, in order. */
  begin(place: StreamPlace, told: Readonly<Record<ChainName, readonly ChainPlace[]>>): void {
    for (const chain of CHAIN_NAMES) for (const block of told[chain]) this.#told[chain].add(block);
    this.#setPlace(place);
    this.#resumable = { place, number: this.#number };
    this.#begun = true;
    this.wake();
  }

  publish(events: readonly PlacedEvent[]): void {
    if (events.length === 0) return;
    for (const { event, place } of events) {
      const { nodes } = event.type === "node" ? place : this.#place;
      const { og, base, proofs } = event.type === "node" ? this.#place : place;
      this.#setPlace({ og, base, proofs, nodes });
      this.#add(event);
    }
    this.#evict();
    this.wake();
  }

  /** Goes on without an event. */
  move(place: PartPlace): void {
    this.#setPlace(moveTo(this.#place, place));
  }

  /** Nodes are told of as a snapshot has them, up to here. */
  showedSnapshot(name: string): void {
    this.move({ part: "nodes", at: name });
    this.#snapshots.delete(name);
    this.#snapshots.set(name, this.#number);
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > MOST_SNAPSHOTS && oldest !== undefined) this.#snapshots.delete(oldest);
    this.wake();
  }

  /** Which chains can be answered from now. */
  setFollowed(chains: readonly ChainName[]): void {
    this.#followed.clear();
    for (const chain of chains) this.#followed.add(chain);
    this.wake();
  }

  isFollowed(chain: ChainName): boolean {
    return this.#followed.has(chain);
  }

  #add(event: StreamEvent): void {
    this.#number += 1;
    const entry: Entry = {
      number: this.#number,
      event,
      json: JSON.stringify(event.data),
      place: this.#place,
      id: this.#id,
    };
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    const { part, at } = event.place;
    const ofChain = part === "og" || part === "base";
    if (event.type === "reset") {
      if (ofChain) this.#told[part].resetTo(at);
      // Who comes back from before it has to look at the chain anew.
      this.#resumable = { place: this.#place, number: this.#number };
    } else if (event.type === "block" && event.data.hash !== null && ofChain) this.#told[part].add(at);
  }

  #setPlace(place: StreamPlace): void {
    this.#place = place;
    this.#id = encodePlace(place);
  }

  #evict(): void {
    let gone = 0;
    for (const entry of this.#entries) {
      if (this.#bytes <= this.#limits.keptBytes) break;
      this.#bytes -= sizeOf(entry);
      gone += 1;
      if (entry.number > this.#resumable.number)
        this.#resumable = { place: entry.place, number: entry.number };
    }
    if (gone === 0) return;
    this.#entries = this.#entries.slice(gone);
    for (const reader of this.#readers)
      if (reader.cursor !== null && !this.keeps(reader.cursor)) {
        this.#cuts += 1;
        this.#readers.delete(reader);
        reader.cut();
      }
  }

  /** Whether everything after this number is kept. */
  keeps(number: number): boolean {
    return number >= this.#number - this.#entries.length;
  }

  /** The first of the kept events after a number that `keeps` holds of. */
  after(number: number, limit: number): readonly Entry[] {
    const index = number - (this.#number - this.#entries.length);
    return this.#entries.slice(index, index + limit);
  }

  /**
   * The number after which the kept events are all that somebody at this place was not told of; null when more is missing.
   * Nodes are looked at apart.
   */
  resumesAfter(place: StreamPlace): number | null {
    const { place: start, number } = this.#resumable;
    const isChainKept = (chain: ChainName): boolean => {
      const [from, since] = [place[chain], start[chain]];
      if (from === null || since === null) return from === since && this.#place[chain] === null;
      // Before the first block there is nothing that could have changed.
      const holds = from.block < 0 || this.#told[chain].stands(from);
      return holds && !isChainBeyond(since, from);
    };
    const [from, since, now] = [place.proofs, start.proofs, this.#place.proofs];
    const areProofsKept =
      from === null || since === null || now === null
        ? from === since && since === now
        : !isProofsBeyond(since, from) && from.revision <= now.revision;
    return areProofsKept && CHAIN_NAMES.every(isChainKept) ? number : null;
  }

  /** The number after which kept events about nodes are newer than a snapshot; null when it is not remembered. */
  nodesAfter(snapshot: string | null): number | null {
    const number = snapshot === null ? undefined : this.#snapshots.get(snapshot);
    return number === undefined || !this.keeps(number) ? null : number;
  }

  /** The number of the last event from a snapshot, which was told of. */
  snapshotShownAt(snapshot: string): number {
    return this.#snapshots.get(snapshot) ?? 0;
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

/** Follows the snapshots of scores for everyone: tells of nodes that changed, and all of them to those who come back. */
import { createHash } from "node:crypto";
import { type Snapshot, stateKey } from "../snapshot/snapshot.ts";
import type { PlacedEvent } from "./events.ts";
import type { EventHub } from "./hub.ts";
import type { Told } from "./listener.ts";
import { type NodeState, nodeChanges, nodeStates } from "./nodeState.ts";
import { NOWHERE } from "./place.ts";

/** Nodes told of at once, and so the time that nothing else runs. */
const NODES_PER_PIECE = 50;

type Piece = readonly Omit<Told, "id">[];

/** A snapshot that was told of, and as much of what there is to tell of its nodes as somebody asked for. */
interface Shown {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly pieces: Piece[];
  readonly rest: Iterator<NodeState>;
}

/** The same at every process: what a snapshot follows from. */
const nameOf = ({ asOf, now, revision }: Snapshot): string =>
  createHash("sha256")
    .update(`${asOf.origin} ${stateKey(asOf.og?.evidence ?? null, now, revision)}`)
    .digest("base64url")
    .slice(0, 11);

export class NodeFollower {
  readonly #hub: EventHub;
  readonly #pause: () => Promise<void>;
  #shown: Shown | null = null;
  #showing: Promise<void> = Promise.resolve();

  /** @param pause - lets others run. */
  constructor(hub: EventHub, pause: () => Promise<void>) {
    this.#hub = hub;
    this.#pause = pause;
  }

  /** Tells what a snapshot has that the one before had not. */
  show(snapshot: Snapshot): Promise<void> {
    this.#showing = this.#showing.then(() => this.#show(snapshot));
    return this.#showing;
  }

  async #show(snapshot: Snapshot): Promise<void> {
    const before = this.#shown?.snapshot;
    const name = nameOf(snapshot);
    // Whoever listens already was told of no node yet.
    if (before !== undefined) await this.#publish(name, nodeChanges(before, snapshot));
    else if (this.#hub.usage.listeners > 0) await this.#publish(name, nodeStates(snapshot));
    this.#shown = { name, snapshot, pieces: [], rest: nodeStates(snapshot) };
    this.#hub.move("nodes", { ...NOWHERE, nodes: name });
    this.#hub.wake();
  }

  async #publish(name: string, states: Generator<NodeState>): Promise<void> {
    const hub = this.#hub;
    let piece: PlacedEvent[] = [];
    for (let next = states.next(); !next.done; ) {
      const { value: data } = next;
      next = states.next();
      // Only with the last one a listener is where the snapshot is.
      const at = next.done ? name : hub.place.nodes;
      const event = { type: "node", data, place: { part: "nodes", at } } as const;
      piece.push({ event, place: { ...NOWHERE, nodes: at } });
      if (piece.length < NODES_PER_PIECE) continue;
      hub.publish(piece);
      piece = [];
      await this.#pause();
    }
    hub.publish(piece);
  }

  /** All nodes as they were told of last, made once for everyone; null while there is no snapshot. */
  now(): { readonly snapshot: string; readonly pieces: Iterable<Piece> } | null {
    const shown = this.#shown;
    return shown === null ? null : { snapshot: shown.name, pieces: piecesOf(shown) };
  }
}

function* piecesOf({ name, pieces, rest }: Shown): Generator<Piece> {
  for (let index = 0; ; index++) {
    const piece = pieces[index] ?? nextPiece(name, rest);
    if (piece.length === 0) return;
    pieces[index] = piece;
    yield piece;
  }
}

function nextPiece(name: string, rest: Iterator<NodeState>): Piece {
  const piece: Omit<Told, "id">[] = [];
  while (piece.length < NODES_PER_PIECE) {
    const { value: data, done } = rest.next();
    if (done) break;
    const event = { type: "node", data, place: { part: "nodes", at: name } } as const;
    piece.push({ event, json: JSON.stringify(data) });
  }
  return piece;
}

/** Publishes changed nodes to the hub with each new snapshot of scores, and gives all nodes to subscribers that catch up. */
import { createHash } from "node:crypto";
import { type Snapshot, stateKey } from "../snapshot/snapshot.ts";
import type { DeliveredEvent, PositionedEvent } from "./events.ts";
import type { EventHub } from "./hub.ts";
import { changedNodes, nodesOf, type StreamNode } from "./streamNode.ts";
import { EMPTY_POSITION } from "./streamPosition.ts";

/** Nodes handled before yielding to the event loop. */
const NODES_PER_CHUNK = 50;

type Chunk = readonly Omit<DeliveredEvent, "id">[];

/** A published snapshot, and the events of its nodes, made as far as a subscriber has needed them. */
interface Published {
  readonly name: string;
  readonly snapshot: Snapshot;
  readonly chunks: Chunk[];
  readonly rest: Iterator<StreamNode>;
}

/** Names a snapshot by what it was computed from, so that every process gives it the same name. */
const nameOf = ({ asOf, now, revision }: Snapshot): string =>
  createHash("sha256")
    .update(`${asOf.origin} ${stateKey(asOf.og?.evidence ?? null, now, revision)}`)
    .digest("base64url")
    .slice(0, 11);

export class NodePublisher {
  readonly #hub: EventHub;
  readonly #pause: () => Promise<void>;
  #published: Published | null = null;
  #publishing: Promise<void> = Promise.resolve();

  /** @param pause - yields to the event loop. */
  constructor(hub: EventHub, pause: () => Promise<void>) {
    this.#hub = hub;
    this.#pause = pause;
  }

  /** Publishes the nodes that differ from the previous snapshot. */
  publish(snapshot: Snapshot): Promise<void> {
    this.#publishing = this.#publishing.then(() => this.#publishSnapshot(snapshot));
    return this.#publishing;
  }

  async #publishSnapshot(snapshot: Snapshot): Promise<void> {
    const before = this.#published?.snapshot;
    const name = nameOf(snapshot);
    // Subscribers from before the first snapshot have not received any node yet.
    if (before !== undefined) await this.#publishNodes(name, changedNodes(before, snapshot));
    else if (this.#hub.usage.subscribers > 0) await this.#publishNodes(name, nodesOf(snapshot));
    this.#published = { name, snapshot, chunks: [], rest: nodesOf(snapshot) };
    this.#hub.advance("nodes", { ...EMPTY_POSITION, nodes: name });
    this.#hub.wake();
  }

  async #publishNodes(name: string, nodes: Generator<StreamNode>): Promise<void> {
    const hub = this.#hub;
    let chunk: PositionedEvent[] = [];
    for (let next = nodes.next(); !next.done; ) {
      const { value: data } = next;
      next = nodes.next();
      // A subscriber is at the new snapshot only once it has received the last node.
      const at = next.done ? name : hub.position.nodes;
      const event = { type: "node", data, offset: { source: "nodes", at } } as const;
      chunk.push({ event, position: { ...EMPTY_POSITION, nodes: at } });
      if (chunk.length < NODES_PER_CHUNK) continue;
      hub.publish(chunk);
      chunk = [];
      await this.#pause();
    }
    hub.publish(chunk);
  }

  /** All nodes of the published snapshot, serialised once for all subscribers; null while there is no snapshot. */
  current(): { readonly snapshot: string; readonly chunks: Iterable<Chunk> } | null {
    const published = this.#published;
    return published === null ? null : { snapshot: published.name, chunks: chunksOf(published) };
  }
}

function* chunksOf({ name, chunks, rest }: Published): Generator<Chunk> {
  for (let index = 0; ; index++) {
    const chunk = chunks[index] ?? nextChunk(name, rest);
    if (chunk.length === 0) return;
    chunks[index] = chunk;
    yield chunk;
  }
}

function nextChunk(name: string, rest: Iterator<StreamNode>): Chunk {
  const chunk: Omit<DeliveredEvent, "id">[] = [];
  while (chunk.length < NODES_PER_CHUNK) {
    const { value: data, done } = rest.next();
    if (done) break;
    const event = { type: "node", data, offset: { source: "nodes", at: name } } as const;
    chunk.push({ event, json: JSON.stringify(data) });
  }
  return chunk;
}

/** When a node whose record could not be read is tried again: each by itself, after longer and longer pauses. */
import type { NodeKey } from "./endpoint.ts";

const FIRST_DELAY_MS = 2_000;

interface Attempt<Node> {
  readonly node: Node;
  readonly failures: number;
  readonly nextAtMs: number;
}

const nameOf = ({ registry, teeId }: NodeKey) => `${registry} ${teeId}`;

export class Retries<Node extends NodeKey> {
  readonly #attempts = new Map<string, Attempt<Node>>();

  constructor(private readonly maxDelayMs: number) {}

  fail(node: Node, nowMs: number): void {
    const failures = (this.#attempts.get(nameOf(node))?.failures ?? 0) + 1;
    const delayMs = Math.min(this.maxDelayMs, FIRST_DELAY_MS * 2 ** (failures - 1));
    this.#attempts.set(nameOf(node), { node, failures, nextAtMs: nowMs + delayMs });
  }

  succeed(node: Node): void {
    this.#attempts.delete(nameOf(node));
  }

  /** Whether a node waits for its next attempt. */
  waits(node: NodeKey, nowMs: number): boolean {
    const attempt = this.#attempts.get(nameOf(node));
    return attempt !== undefined && attempt.nextAtMs > nowMs;
  }

  /** Those whose pause is over, the longest due first. */
  due(nowMs: number): readonly Node[] {
    return [...this.#attempts.values()]
      .filter(({ nextAtMs }) => nextAtMs <= nowMs)
      .sort((a, b) => a.nextAtMs - b.nextAtMs)
      .map(({ node }) => node);
  }

  /** Forgets nodes that are no longer there. */
  keepOnly(nodes: readonly NodeKey[]): void {
    const known = new Set(nodes.map(nameOf));
    for (const name of this.#attempts.keys()) if (!known.has(name)) this.#attempts.delete(name);
  }
}

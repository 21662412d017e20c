/**
 * Where each endpoint stands, and how the newest blocks follow each other. A URL may hide many backends, so an
 * endpoint stands at the highest block it has shown lately; what one answer says is only an observation.
 */

import { toBlockNumber } from "./jsonRpc.ts";

/** A head that nobody confirms, or that nobody has shown again, counts for nothing after this. */
export const CONFIRM_WITHIN_MS = 30_000;
/** Deeper than Ponder's finality, several times over. */
const REMEMBERED_BLOCKS = 2_000;

interface Standing {
  number: number;
  /** When it was first shown, and when it was shown last. */
  since: number;
  seenAt: number;
}

export interface BlockLink {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
}

/** @typeParam E - what an endpoint is known by. */
export class ChainHeads<E> {
  readonly #standings = new Map<E, Standing>();
  readonly #blocks = new Map<string, BlockLink>();
  readonly #now: () => number;

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  /** Notes that an answer of `endpoint` shows that it has block `number`. */
  observe(endpoint: E, number: number): void {
    const now = this.#now();
    const standing = this.#standings.get(endpoint);
    if (standing === undefined || (number < standing.number && now - standing.seenAt > CONFIRM_WITHIN_MS))
      this.#standings.set(endpoint, { number, since: now, seenAt: now });
    else if (number >= standing.number) {
      if (number > standing.number) standing.since = now;
      standing.number = number;
      standing.seenAt = now;
    }
  }

  /** The highest block that `endpoint` has shown; undefined before the first. */
  standing(endpoint: E): number | undefined {
    return this.#standings.get(endpoint)?.number;
  }

  /** Milliseconds since `endpoint` last showed the block it stands at. */
  ageMs(endpoint: E): number {
    return this.#now() - (this.#standings.get(endpoint)?.seenAt ?? Number.NEGATIVE_INFINITY);
  }

  /** Whether `endpoint` alone claims its head, while others answered, for longer than it may. */
  isUnconfirmed(endpoint: E): boolean {
    const standing = this.#standings.get(endpoint);
    if (standing === undefined || this.#now() - standing.since <= CONFIRM_WITHIN_MS) return false;
    const others = [...this.#standings].filter(
      ([other]) => other !== endpoint && this.ageMs(other) <= CONFIRM_WITHIN_MS,
    );
    return others.length > 0 && others.every(([, { number }]) => number < standing.number);
  }

  /** Whether some endpoint stands at `number` or higher now. */
  counts(number: number): boolean {
    return [...this.#standings].some(
      ([endpoint, standing]) =>
        standing.number >= number &&
        this.ageMs(endpoint) <= CONFIRM_WITHIN_MS &&
        !this.isUnconfirmed(endpoint),
    );
  }

  /** The highest block that counts; -1 before the first. */
  newest(): number {
    const counted = [...this.#standings].filter(([endpoint]) => !this.isUnconfirmed(endpoint));
    return Math.max(-1, ...counted.map(([, { number }]) => number));
  }

  /** Remembers how a block follows its parent, if it is a recent one. */
  remember(block: BlockLink): void {
    if (block.number < this.newest() - REMEMBERED_BLOCKS) return;
    this.#blocks.delete(block.hash);
    this.#blocks.set(block.hash, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > REMEMBERED_BLOCKS && oldest !== undefined) this.#blocks.delete(oldest);
  }

  knows(hash: string): boolean {
    return this.#blocks.has(hash);
  }

  /** Whether `ancestor` is known to be below `block` in the same chain: every block between was seen. */
  isAncestor(ancestor: BlockLink, block: BlockLink): boolean {
    let at: BlockLink | undefined = block;
    while (at !== undefined && at.number > ancestor.number) at = this.#blocks.get(at.parentHash);
    return at?.hash === ancestor.hash;
  }
}

/** The link in a block as JSON-RPC has it; undefined for anything else. */
export function toBlockLink(value: unknown): BlockLink | undefined {
  const { number, hash, parentHash } = (value ?? {}) as Partial<Record<keyof BlockLink, unknown>>;
  const blockNumber = toBlockNumber(number);
  return blockNumber === undefined
    ? undefined
    : { number: blockNumber, hash: String(hash).toLowerCase(), parentHash: String(parentHash).toLowerCase() };
}

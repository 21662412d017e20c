/**
 * Where each endpoint stands, and how the newest blocks follow each other. A URL may hide many backends, so an
 * endpoint stands at the highest block it has shown lately; what one answer says is only an observation.
 */

import { toBlockNumber } from "./jsonRpc.ts";

/** A head that nobody confirms, or that nobody has shown again, counts for nothing after this. */
export const CONFIRM_WITHIN_MS = 30_000;
/** Deeper than Ponder's finality, several times over. */
const REMEMBERED_BLOCKS = 2_000;

/** An endpoint that lags farther behind another confirms nothing about it. */
const MAX_MISSING_LINKS = 512;

interface Standing {
  number: number;
  /** The block itself, if that was shown. */
  link: BlockLink | undefined;
  seenAt: number;
  /** The first head that no other endpoint has reached since. */
  claim: { readonly number: number; readonly at: number } | undefined;
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

  /** Notes that an answer of `endpoint` shows that it has block `number`. @param link - the block, if it was shown. */
  observe(endpoint: E, number: number, link?: BlockLink): void {
    const now = this.#now();
    const before = this.#standings.get(endpoint);
    if (before !== undefined && number < before.number && now - before.seenAt <= CONFIRM_WITHIN_MS) return;
    const claim = before !== undefined && number >= before.number ? before.claim : undefined;
    const shown = link ?? (before?.number === number ? before.link : undefined);
    this.#standings.set(endpoint, { number, link: shown, seenAt: now, claim: claim ?? { number, at: now } });
    for (const standing of this.#standings.values())
      if (this.#isReached(standing)) standing.claim = undefined;
  }

  #isReached({ claim }: Standing): boolean {
    const reached = [...this.#standings.values()].filter(({ number }) => number >= (claim?.number ?? 0));
    return reached.length > 1;
  }

  /** The highest block that `endpoint` has shown; undefined before the first. */
  standing(endpoint: E): number | undefined {
    return this.#standings.get(endpoint)?.number;
  }

  /** The block that `endpoint` stands at, if it has shown that. */
  link(endpoint: E): BlockLink | undefined {
    return this.#standings.get(endpoint)?.link;
  }

  /** Milliseconds since `endpoint` last showed the block it stands at. */
  ageMs(endpoint: E): number {
    return this.#now() - (this.#standings.get(endpoint)?.seenAt ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * Whether `endpoint` claims what none of the others that answered has reached for longer than it may. A head that is
   * known to descend from another endpoint's head needs no more confirmation: the other one lags.
   */
  isUnconfirmed(endpoint: E): boolean {
    const standing = this.#standings.get(endpoint);
    const { claim, link } = standing ?? {};
    if (claim === undefined || this.#now() - claim.at <= CONFIRM_WITHIN_MS) return false;
    const others = this.#others(endpoint);
    const descends = (other: Standing) =>
      other.link !== undefined && link !== undefined && this.isAncestor(other.link, link);
    return others.length > 0 && !others.some(descends);
  }

  /** Those that showed where they stand lately. */
  #others(endpoint: E): Standing[] {
    return [...this.#standings].flatMap(([other, standing]) =>
      other !== endpoint && this.ageMs(other) <= CONFIRM_WITHIN_MS ? [standing] : [],
    );
  }

  /** Numbers of the blocks that are missing to tell whether `endpoint`'s head descends from another's; few or none. */
  missingLinks(endpoint: E): number[] {
    let { link: at } = this.#standings.get(endpoint) ?? {};
    const others = this.#others(endpoint).flatMap(({ link }) => link ?? []);
    const from = Math.max(-1, ...others.map(({ number }) => number));
    for (let parent = at; parent !== undefined; parent = this.#blocks.get(parent.parentHash)) at = parent;
    if (at === undefined || from < 0 || at.number - from > MAX_MISSING_LINKS) return [];
    return Array.from({ length: Math.max(0, at.number - from) }, (_, index) => from + index);
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

/**
 * Where each endpoint stands, and how the newest blocks follow each other. A URL may hide many backends, so an
 * endpoint stands at the highest block it has shown lately; what one answer says is only an observation.
 */

import { toBlockNumber } from "./jsonRpc.ts";

/** A head that nobody confirms, or that nobody has shown again, counts for nothing after this. */
export const CONFIRM_WITHIN_MS = 30_000;
/** Deeper than Ponder's finality, several times over. */
const REMEMBERED_BLOCKS = 2_000;

/** Blocks between two heads that are looked at one by one; of more, some are. */
const MAX_MISSING_LINKS = 512;
const SPOT_CHECKS = 16;
/** An endpoint that stood still for this long while another moved has nothing to say about that one's head. */
const STUCK_AFTER_MS = 25_000;
/** How long a head is believed on spot checks. */
const VOUCHED_FOR_MS = 300_000;

interface Standing {
  number: number;
  /** The block itself, if that was shown. */
  link: BlockLink | undefined;
  seenAt: number;
  /** When it was last seen to rise; minus infinity before that. */
  movedAt: number;
  /** When its blocks were last found to go on from another endpoint's head; undefined when they are to be looked at. */
  vouchedAt: number | undefined;
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
    const isHigher = before !== undefined && number > before.number;
    const vouchedAt = before?.vouchedAt ?? Number.NEGATIVE_INFINITY;
    this.#standings.set(endpoint, {
      number,
      link: shown,
      seenAt: now,
      movedAt: isHigher ? now : (before?.movedAt ?? Number.NEGATIVE_INFINITY),
      vouchedAt: now - vouchedAt <= VOUCHED_FOR_MS ? vouchedAt : undefined,
      claim: claim ?? { number, at: now },
    });
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
    const { claim, link, vouchedAt, movedAt = 0 } = standing ?? {};
    if (claim === undefined || this.#now() - claim.at <= CONFIRM_WITHIN_MS || vouchedAt !== undefined)
      return false;
    const others = this.#others(endpoint).filter((other) => !(movedAt - other.movedAt > STUCK_AFTER_MS));
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

  /**
   * The blocks that tell whether `endpoint`'s head descends from the highest of the others: all that are missing
   * between, or, where those are many, some of them, of which the first has to be the other's head.
   */
  missingLinks(endpoint: E): { readonly numbers: readonly number[]; readonly spotChecks?: BlockLink } {
    const standing = this.#standings.get(endpoint);
    let at = standing?.link;
    const others = this.#others(endpoint).flatMap(({ link }) => link ?? []);
    const [highest] = others.sort((a, b) => b.number - a.number);
    for (let parent = at; parent !== undefined; parent = this.#blocks.get(parent.parentHash)) at = parent;
    if (at === undefined || highest === undefined) return { numbers: [] };
    const from = highest.number;
    const count = Math.max(0, at.number - from);
    if (count <= MAX_MISSING_LINKS)
      return { numbers: Array.from({ length: count }, (_, index) => from + index) };
    // a head that does not move is no chain's
    if ((standing?.movedAt ?? 0) < (standing?.claim?.at ?? 0)) return { numbers: [] };
    const step = count / (SPOT_CHECKS - 1);
    const numbers = Array.from({ length: SPOT_CHECKS }, (_, index) => from + Math.floor(index * step));
    return { numbers, spotChecks: highest };
  }

  /** Notes that spot checks found `endpoint`'s blocks to go on from another's head. */
  vouch(endpoint: E): void {
    const standing = this.#standings.get(endpoint);
    if (standing !== undefined) standing.vouchedAt = this.#now();
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
    return this.#ancestorAt(ancestor.number, block)?.hash === ancestor.hash;
  }

  /** Whether `lower` is known not to be below `block`, but of another fork. */
  isOtherFork(lower: BlockLink, block: BlockLink): boolean {
    const ancestor = this.#ancestorAt(lower.number, block);
    return ancestor !== undefined && ancestor.hash !== lower.hash;
  }

  #ancestorAt(number: number, block: BlockLink): BlockLink | undefined {
    let at: BlockLink | undefined = block;
    while (at !== undefined && at.number > number) at = this.#blocks.get(at.parentHash);
    return at;
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

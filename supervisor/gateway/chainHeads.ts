/**
 * Tracks each endpoint's head and how the newest blocks link to each other. A URL may have many backends, so an endpoint's
 * head is the highest block it has returned lately; a single answer is only an observation.
 */
import { isFields, toBlockNumber } from "./jsonRpc.ts";

/** A head that is not confirmed, or not seen again, within this time is disregarded. */
export const CONFIRM_WITHIN_MS = 30_000;
/** Several times Ponder's finality depth. */
const REMEMBERED_BLOCKS = 2_000;

/** Up to this many blocks between two heads are all checked; of more, only a sample. */
const MAX_MISSING_LINKS = 512;
const SPOT_CHECKS = 16;
/** An endpoint whose head has not moved for this long while another's did cannot contradict the other's head. */
const STUCK_AFTER_MS = 25_000;
/** How long a head stays confirmed by spot checks. */
const SPOT_CHECKS_HOLD_MS = 300_000;

interface EndpointHead {
  number: number;
  /** The block itself, if it was returned. */
  link: BlockLink | undefined;
  seenAt: number;
  /** When it last rose; minus infinity before that. */
  movedAt: number;
  /** When spot checks last found its blocks to continue from another endpoint's head; undefined when they are due again. */
  spotCheckedAt: number | undefined;
  /** The first head that no other endpoint has reached since. */
  unreached: { readonly number: number; readonly at: number } | undefined;
}

export interface BlockLink {
  readonly number: number;
  readonly hash: string;
  readonly parentHash: string;
}

/** @typeParam E - identifies an endpoint. */
export class ChainHeads<E> {
  readonly #endpoints = new Map<E, EndpointHead>();
  readonly #blocks = new Map<string, BlockLink>();
  readonly #now: () => number;

  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  /** Records that `endpoint` has block `number`. @param link - the block, if it was returned. */
  observe(endpoint: E, number: number, link?: BlockLink): void {
    const now = this.#now();
    const before = this.#endpoints.get(endpoint);
    if (before !== undefined && number < before.number && now - before.seenAt <= CONFIRM_WITHIN_MS) return;
    const unreached = before !== undefined && number >= before.number ? before.unreached : undefined;
    const shown = link ?? (before?.number === number ? before.link : undefined);
    const isHigher = before !== undefined && number > before.number;
    const spotCheckedAt = before?.spotCheckedAt ?? Number.NEGATIVE_INFINITY;
    this.#endpoints.set(endpoint, {
      number,
      link: shown,
      seenAt: now,
      movedAt: isHigher ? now : (before?.movedAt ?? Number.NEGATIVE_INFINITY),
      spotCheckedAt: now - spotCheckedAt <= SPOT_CHECKS_HOLD_MS ? spotCheckedAt : undefined,
      unreached: unreached ?? { number, at: now },
    });
    for (const known of this.#endpoints.values()) if (this.#isReached(known)) known.unreached = undefined;
  }

  #isReached({ unreached }: EndpointHead): boolean {
    const reached = [...this.#endpoints.values()].filter(({ number }) => number >= (unreached?.number ?? 0));
    return reached.length > 1;
  }

  /** The number of the highest block that `endpoint` has returned; undefined before the first. */
  head(endpoint: E): number | undefined {
    return this.#endpoints.get(endpoint)?.number;
  }

  /** The block at `endpoint`'s head, if it has returned it. */
  link(endpoint: E): BlockLink | undefined {
    return this.#endpoints.get(endpoint)?.link;
  }

  /** Milliseconds since `endpoint` last returned its head. */
  ageMs(endpoint: E): number {
    return this.#now() - (this.#endpoints.get(endpoint)?.seenAt ?? Number.NEGATIVE_INFINITY);
  }

  /**
   * Whether no other endpoint has reached `endpoint`'s head in time. A head that is known to descend from another
   * endpoint's head is confirmed: the other one lags.
   */
  isUnconfirmed(endpoint: E): boolean {
    const { unreached, link, spotCheckedAt, movedAt = 0 } = this.#endpoints.get(endpoint) ?? {};
    if (unreached === undefined || this.#now() - unreached.at <= CONFIRM_WITHIN_MS) return false;
    if (spotCheckedAt !== undefined) return false;
    const others = this.#others(endpoint).filter((other) => !(movedAt - other.movedAt > STUCK_AFTER_MS));
    const descends = (other: EndpointHead) =>
      other.link !== undefined && link !== undefined && this.isAncestor(other.link, link);
    return others.length > 0 && !others.some(descends);
  }

  /** The other endpoints whose head was seen lately. */
  #others(endpoint: E): EndpointHead[] {
    return [...this.#endpoints].flatMap(([other, known]) =>
      other !== endpoint && this.ageMs(other) <= CONFIRM_WITHIN_MS ? [known] : [],
    );
  }

  /**
   * The blocks to fetch to find out whether `endpoint`'s head descends from the highest other head: all that are missing
   * in between or, where those are too many, a sample whose first block must be the other head.
   */
  missingLinks(endpoint: E): { readonly numbers: readonly number[]; readonly spotChecks?: BlockLink } {
    const known = this.#endpoints.get(endpoint);
    let at = known?.link;
    const others = this.#others(endpoint).flatMap(({ link }) => link ?? []);
    const [highest] = others.sort((a, b) => b.number - a.number);
    for (let parent = at; parent !== undefined; parent = this.#blocks.get(parent.parentHash)) at = parent;
    if (at === undefined || highest === undefined) return { numbers: [] };
    const from = highest.number;
    const count = Math.max(0, at.number - from);
    if (count <= MAX_MISSING_LINKS)
      return { numbers: Array.from({ length: count }, (_, index) => from + index) };
    // a head that does not move is not a live chain's
    if ((known?.movedAt ?? 0) < (known?.unreached?.at ?? 0)) return { numbers: [] };
    const step = count / (SPOT_CHECKS - 1);
    const numbers = Array.from({ length: SPOT_CHECKS }, (_, index) => from + Math.floor(index * step));
    return { numbers, spotChecks: highest };
  }

  /** Records that spot checks found `endpoint`'s blocks to continue from another endpoint's head. */
  passSpotChecks(endpoint: E): void {
    const known = this.#endpoints.get(endpoint);
    if (known !== undefined) known.spotCheckedAt = this.#now();
  }

  /** Whether an endpoint's current, confirmed head is at `number` or higher. */
  isReached(number: number): boolean {
    return [...this.#endpoints].some(
      ([endpoint, known]) =>
        known.number >= number && this.ageMs(endpoint) <= CONFIRM_WITHIN_MS && !this.isUnconfirmed(endpoint),
    );
  }

  /** The highest head that is not unconfirmed; -1 before the first. */
  newest(): number {
    const confirmed = [...this.#endpoints].filter(([endpoint]) => !this.isUnconfirmed(endpoint));
    return Math.max(-1, ...confirmed.map(([, { number }]) => number));
  }

  /** Remembers a recent block's link to its parent. */
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

  /** Whether `ancestor` is known to be an ancestor of `block`: every block in between was seen. */
  isAncestor(ancestor: BlockLink, block: BlockLink): boolean {
    return this.#ancestorAt(ancestor.number, block)?.hash === ancestor.hash;
  }

  /** Whether `lower` is known to be on another fork than `block`. */
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

/** Reads the link of a JSON-RPC block; undefined for anything else. */
export function toBlockLink(value: unknown): BlockLink | undefined {
  if (!isFields(value)) return undefined;
  const { number, hash, parentHash } = value;
  const blockNumber = toBlockNumber(number);
  return blockNumber === undefined
    ? undefined
    : { number: blockNumber, hash: String(hash).toLowerCase(), parentHash: String(parentHash).toLowerCase() };
}

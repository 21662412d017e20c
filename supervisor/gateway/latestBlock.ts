/**
 * The chain's newest block, as callers see it. It never goes back because an answer comes from an endpoint, or from
 * one of the backends behind a URL, that lags: Ponder would take every such answer for a reorg.
 */
import type { BlockLink, ChainHeads } from "./chainHeads.ts";
import { toBlockLink } from "./chainHeads.ts";
import { BLOCK_NUMBER, type Failover, type Found } from "./failover.ts";
import type { RpcRequest } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";
import type { Upstream } from "./upstream.ts";

/** How often endpoints that are not asked otherwise are asked where they stand. */
const LOOK_AT_OTHERS_AFTER_MS = 10_000;
/** How far behind an endpoint must be to be worth a line in the log. */
const LAG_NOTICE_BLOCKS = 16;
/** Newer than this, the block that was shown last is shown again while a WebSocket says that it still is the newest. */
const SHOWN_AGAIN_FOR_MS = 10_000;
/** The same while one is configured that says nothing: callers then ask more often than polling is good for. */
const POLLED_EVERY_MS = 900;

interface Shown {
  readonly block: BlockLink;
  /** By whether they have whole transactions. */
  readonly bodies: Map<boolean, Buffer>;
  readonly at: number;
  readonly by: Upstream;
}

export class LatestBlock {
  #shown: Shown | undefined;
  #shownNumber = -1;
  readonly #looking = new Set<Upstream>();

  readonly #upstreams: readonly Upstream[];
  readonly #failover: Failover;
  readonly #heads: ChainHeads<Upstream>;
  readonly #notices: Notices;
  readonly #now: () => number;

  constructor(
    upstreams: readonly Upstream[],
    failover: Failover,
    heads: ChainHeads<Upstream>,
    notices: Notices,
    now: () => number = () => Date.now(),
  ) {
    this.#upstreams = upstreams;
    this.#failover = failover;
    this.#heads = heads;
    this.#notices = notices;
    this.#now = now;
  }

  /** Number of the newest block. @throws the signal's reason. */
  async number(signal: AbortSignal): Promise<number> {
    const { upstream, value } = await this.#failover.ask(BLOCK_NUMBER, signal);
    this.#lookAtOthers(upstream);
    const shown = Math.max(this.#shownNumber, this.#shown?.block.number ?? -1);
    const claimed = Number(value);
    const isUnconfirmed = await this.#failover.isUnconfirmed(upstream, signal);
    const isBelieved = claimed >= shown ? !isUnconfirmed : this.#isWithdrawn(shown);
    this.#shownNumber = isBelieved || shown < 0 ? claimed : shown;
    return this.#shownNumber;
  }

  /**
   * The newest block as a JSON-RPC response.
   * @param full - with whole transactions.
   * @param told - the newest block that a WebSocket told of: "nothing" from one that is not to be relied on, undefined
   *   where none is configured. @throws the signal's reason.
   */
  async get(full: boolean, told: number | "nothing" | undefined, signal: AbortSignal): Promise<Buffer> {
    const shown = this.#shown;
    const again = shown?.bodies.get(full);
    if (shown !== undefined && again !== undefined && told !== undefined) {
      const forMs =
        told === "nothing" ? POLLED_EVERY_MS : told <= shown.block.number ? SHOWN_AGAIN_FOR_MS : 0;
      if (this.#now() - shown.at < forMs) return again;
    }

    const request: RpcRequest = { method: "eth_getBlockByNumber", params: ["latest", full] };
    const refused = new Set<Upstream>();
    let found: Found | undefined = await this.#failover.ask(request, signal);
    this.#lookAtOthers(found.upstream);
    while (found !== undefined) {
      const { upstream, value, body } = found;
      const block = toBlockLink(value);
      await this.#failover.isUnconfirmed(upstream, signal);
      if (block !== undefined && this.#isBelieved(upstream, block))
        return this.#show(upstream, block, full, body);
      refused.add(upstream);
      found = await this.#askOther(request, refused, signal);
    }
    return this.#showAgain(full, signal);
  }

  #isBelieved(upstream: Upstream, block: BlockLink): boolean {
    if (this.#heads.isUnconfirmed(upstream) && (this.#heads.standing(upstream) ?? 0) <= block.number) {
      upstream.tellUnconfirmed(this.#heads.standing(upstream) ?? block.number);
      return false;
    }
    const shown = this.#shown?.block;
    if (shown === undefined || block.number >= shown.number) return true;
    const mayGoBack = this.#heads.isOtherFork(block, shown) || this.#isWithdrawn(shown.number);
    if (this.#heads.isAncestor(block, shown) || this.#heads.counts(shown.number) || !mayGoBack) {
      if (shown.number - block.number >= LAG_NOTICE_BLOCKS) upstream.tellLag(block.number, shown.number);
      return false;
    }
    this.#notices.warn(
      "back",
      `no endpoint confirms block ${shown.number} any more; going back to block ${block.number} of ${upstream.name}`,
    );
    return true;
  }

  /**
   * Whether the endpoint that showed block `number` does not stand by it any more, or is not believed. That it cannot
   * be reached is neither: the others may only lag behind it.
   */
  #isWithdrawn(number: number): boolean {
    const by = this.#shown?.by;
    if (by === undefined) return !this.#heads.counts(number);
    return (
      !this.#heads.counts(number) &&
      ((this.#heads.standing(by) ?? -1) < number || this.#heads.isUnconfirmed(by))
    );
  }

  #show(by: Upstream, block: BlockLink, full: boolean, body: Buffer): Buffer {
    const bodies = this.#shown?.block.hash === block.hash ? this.#shown.bodies : new Map<boolean, Buffer>();
    bodies.set(full, body);
    this.#shown = { block, bodies, at: this.#now(), by };
    return body;
  }

  async #showAgain(full: boolean, signal: AbortSignal): Promise<Buffer> {
    const shown = this.#shown;
    if (shown === undefined) throw new Error("no endpoint's head is confirmed by another");
    const body = shown.bodies.get(full);
    if (body !== undefined) return body;
    const params = [shown.block.hash, full];
    const found = await this.#failover.ask({ method: "eth_getBlockByHash", params }, signal);
    shown.bodies.set(full, found.body);
    return found.body;
  }

  /** One that is ready and may be farther, without waiting for any. */
  async #askOther(
    request: RpcRequest,
    refused: ReadonlySet<Upstream>,
    signal: AbortSignal,
  ): Promise<Found | undefined> {
    const shown = this.#shown?.block.number ?? 0;
    const isWorthAsking = (upstream: Upstream) =>
      upstream.isReady() &&
      ((this.#heads.standing(upstream) ?? shown) >= shown || !this.#heads.counts(shown));
    const upstream = this.#upstreams.find((other) => !refused.has(other) && isWorthAsking(other));
    if (upstream === undefined) return undefined;
    const answer = await upstream.send(request, signal);
    if (answer.kind !== "result") return undefined;
    this.#failover.note(upstream, request, answer.value);
    return { upstream, value: answer.value, body: answer.body };
  }

  /** So that one endpoint's head can be held against the others'. */
  #lookAtOthers(asked: Upstream): void {
    for (const upstream of this.#upstreams)
      if (upstream !== asked && this.#heads.ageMs(upstream) > LOOK_AT_OTHERS_AFTER_MS)
        // its faults are told by others; the caller is not kept waiting
        void this.#lookAt(upstream).catch(() => {});
  }

  async #lookAt(upstream: Upstream): Promise<void> {
    if (this.#looking.has(upstream)) return;
    this.#looking.add(upstream);
    try {
      if (!(await upstream.check())) return;
      await this.#failover.look(upstream, AbortSignal.timeout(LOOK_AT_OTHERS_AFTER_MS));
      const shown = this.#shown?.block;
      const link = this.#heads.link(upstream);
      if (shown === undefined || link === undefined || shown.number - link.number < LAG_NOTICE_BLOCKS) return;
      if (this.#heads.isAncestor(link, shown)) upstream.tellLag(link.number, shown.number);
    } finally {
      this.#looking.delete(upstream);
    }
  }

  /** Number of the block that was shown last; -1 before the first. */
  shown(): number {
    return this.#shown?.block.number ?? -1;
  }

  /** Where each endpoint stands, for messages. */
  describe(): string {
    return this.#upstreams
      .map((upstream) => `${upstream.name} at block ${this.#heads.standing(upstream) ?? "unknown"}`)
      .join(", ");
  }
}

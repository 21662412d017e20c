/**
 * The chain's newest block as callers see it. It never goes back because an endpoint, or one of the backends behind a URL,
 * lags: Ponder would take that for a reorg.
 */
import type { BlockLink, ChainHeads } from "./chainHeads.ts";
import { toBlockLink } from "./chainHeads.ts";
import { BLOCK_NUMBER, type Failover, type Found } from "./failover.ts";
import type { RpcRequest } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";
import type { Upstream } from "./upstream.ts";

/** How often the heads of endpoints that get no other requests are refreshed. */
const REFRESH_OTHERS_AFTER_MS = 10_000;
/** An endpoint this far behind is reported in the log. */
const LAG_NOTICE_BLOCKS = 16;
/** How long the last block is served again while the WebSocket has announced no newer one. */
const REUSE_MS = 10_000;
/** The same while the configured WebSocket is silent: callers poll more often than the endpoints should be polled. */
const REUSE_WITHOUT_WEBSOCKET_MS = 900;

interface Shown {
  readonly block: BlockLink;
  /** Keyed by whether they contain full transactions. */
  readonly bodies: Map<boolean, Buffer>;
  readonly at: number;
  readonly by: Upstream;
}

export class LatestBlock {
  #shown: Shown | undefined;
  #shownNumber = -1;
  readonly #refreshing = new Set<Upstream>();

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
    this.#refreshOthers(upstream);
    const shown = Math.max(this.#shownNumber, this.#shown?.block.number ?? -1);
    const claimed = Number(value);
    const isUnconfirmed = await this.#failover.isUnconfirmed(upstream, signal);
    const isTrusted = claimed >= shown ? !isUnconfirmed : this.#isWithdrawn(shown);
    this.#shownNumber = isTrusted || shown < 0 ? claimed : shown;
    return this.#shownNumber;
  }

  /**
   * The newest block as a JSON-RPC response.
   * @param full - with full transactions.
   * @param announced - the newest block that the WebSocket announced; "nothing" while the WebSocket is unreliable,
   *   undefined where none is configured. @throws the signal's reason.
   */
  async get(full: boolean, announced: number | "nothing" | undefined, signal: AbortSignal): Promise<Buffer> {
    const shown = this.#shown;
    const again = shown?.bodies.get(full);
    if (shown !== undefined && again !== undefined && announced !== undefined) {
      const forMs =
        announced === "nothing" ? REUSE_WITHOUT_WEBSOCKET_MS : announced <= shown.block.number ? REUSE_MS : 0;
      if (this.#now() - shown.at < forMs) return again;
    }

    const request: RpcRequest = { method: "eth_getBlockByNumber", params: ["latest", full] };
    const refused = new Set<Upstream>();
    let found: Found | undefined = await this.#failover.ask(request, signal);
    this.#refreshOthers(found.upstream);
    while (found !== undefined) {
      const { upstream, value, body } = found;
      const block = toBlockLink(value);
      await this.#failover.isUnconfirmed(upstream, signal);
      if (block !== undefined && this.#isTrusted(upstream, block))
        return this.#show(upstream, block, full, body);
      refused.add(upstream);
      found = await this.#askOther(request, refused, signal);
    }
    return this.#showAgain(full, signal);
  }

  #isTrusted(upstream: Upstream, block: BlockLink): boolean {
    if (this.#heads.isUnconfirmed(upstream) && (this.#heads.head(upstream) ?? 0) <= block.number) {
      upstream.warnUnconfirmed(this.#heads.head(upstream) ?? block.number);
      return false;
    }
    const shown = this.#shown?.block;
    if (shown === undefined || block.number >= shown.number) return true;
    const mayGoBack = this.#heads.isOtherFork(block, shown) || this.#isWithdrawn(shown.number);
    if (this.#heads.isAncestor(block, shown) || this.#heads.isReached(shown.number) || !mayGoBack) {
      if (shown.number - block.number >= LAG_NOTICE_BLOCKS) upstream.warnLag(block.number, shown.number);
      return false;
    }
    this.#notices.warn(
      "back",
      `no endpoint confirms block ${shown.number} any longer; going back to block ${block.number} of ${upstream.name}`,
    );
    return true;
  }

  /**
   * Whether the endpoint that returned block `number` no longer has it as its head, or is unconfirmed. An unreachable
   * endpoint has not withdrawn anything: the others may only lag behind it.
   */
  #isWithdrawn(number: number): boolean {
    const by = this.#shown?.by;
    if (by === undefined) return !this.#heads.isReached(number);
    return (
      !this.#heads.isReached(number) &&
      ((this.#heads.head(by) ?? -1) < number || this.#heads.isUnconfirmed(by))
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

  /** Asks another endpoint that is ready and may be further ahead, without waiting for one. */
  async #askOther(
    request: RpcRequest,
    refused: ReadonlySet<Upstream>,
    signal: AbortSignal,
  ): Promise<Found | undefined> {
    const shown = this.#shown?.block.number ?? 0;
    const isWorthAsking = (upstream: Upstream) =>
      upstream.isReady() && ((this.#heads.head(upstream) ?? shown) >= shown || !this.#heads.isReached(shown));
    const upstream = this.#upstreams.find((other) => !refused.has(other) && isWorthAsking(other));
    if (upstream === undefined) return undefined;
    const answer = await upstream.send(request, signal);
    if (answer.kind !== "result") return undefined;
    this.#failover.note(upstream, request, answer.value);
    return { upstream, value: answer.value, body: answer.body };
  }

  /** Refreshes the other endpoints' heads, so that they can be compared. */
  #refreshOthers(asked: Upstream): void {
    for (const upstream of this.#upstreams)
      if (upstream !== asked && this.#heads.ageMs(upstream) > REFRESH_OTHERS_AFTER_MS)
        // in the background; the check itself reports failures
        void this.#refresh(upstream).catch(() => {});
  }

  async #refresh(upstream: Upstream): Promise<void> {
    if (this.#refreshing.has(upstream)) return;
    this.#refreshing.add(upstream);
    try {
      if (!(await upstream.check())) return;
      await this.#failover.refreshHead(upstream, AbortSignal.timeout(REFRESH_OTHERS_AFTER_MS));
      const shown = this.#shown?.block;
      const link = this.#heads.link(upstream);
      if (shown === undefined || link === undefined || shown.number - link.number < LAG_NOTICE_BLOCKS) return;
      if (this.#heads.isAncestor(link, shown)) upstream.warnLag(link.number, shown.number);
    } finally {
      this.#refreshing.delete(upstream);
    }
  }

  /** Number of the block that was served last; -1 before the first. */
  shown(): number {
    return this.#shown?.block.number ?? -1;
  }

  /** Each endpoint's head, for messages. */
  describe(): string {
    return this.#upstreams
      .map((upstream) => `${upstream.name} at block ${this.#heads.head(upstream) ?? "unknown"}`)
      .join(", ");
  }
}

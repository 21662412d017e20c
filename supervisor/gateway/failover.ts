/** Asks one endpoint after the other, again and again, until one has the last word. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer } from "./answer.ts";
import { type ChainHeads, toBlockLink } from "./chainHeads.ts";
import { blockRange, type RpcError, type RpcRequest, toBlockNumber } from "./jsonRpc.ts";
import type { Upstream } from "./upstream.ts";

const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 2_000;
/** State this close to the head is kept by every node, so a complaint about it is a passing fault. */
const STATE_KEPT_BLOCKS = 64;
/** How long a block that others have shown is waited for; less than callers are kept waiting. */
const LAG_PATIENCE_MS = 5_000;
/** Where a method names its block. */
const BLOCK_PARAMETERS = new Map([
  ["eth_call", 1],
  ["eth_getBalance", 1],
  ["eth_getCode", 1],
  ["eth_getTransactionCount", 1],
  ["eth_getStorageAt", 2],
  ["eth_getBlockByNumber", 0],
  ["eth_getBlockByHash", 0],
  ["eth_getBlockReceipts", 0],
]);
const BLOCK_METHODS = /^eth_getBlock/;
/** A null of these may only mean that this backend does not have it yet. */
const NULLABLE = /^eth_get(?:Block|Transaction)/;

/** The upstream's last word: passed on to the caller as it is. */
export class FinalError extends Error {
  override readonly name = "FinalError";

  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

/** A result and whose it is. */
export interface Found {
  readonly upstream: Upstream;
  readonly value: unknown;
  readonly body: Buffer;
}

export const BLOCK_NUMBER: RpcRequest = { method: "eth_blockNumber", params: [] };

/** The pauses for an endpoint to catch up stay as short as that of this round. */
export const LAG_ROUND = 2;

/** A pause before a round of tries, longer each time. */
export const backOff = (round: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** round) * (0.75 + Math.random() / 2), undefined, {
    signal,
  });

export class Failover {
  readonly #upstreams: readonly Upstream[];
  readonly #heads: ChainHeads<Upstream>;
  readonly #unlinkedAt = new Map<Upstream, number>();

  constructor(upstreams: readonly Upstream[], heads: ChainHeads<Upstream>) {
    this.#upstreams = upstreams;
    this.#heads = heads;
  }

  /**
   * The first endpoint that can be used, but for those `tried`; waits for one. Undefined when all were tried.
   * @param needed - those that are known not to have reached this block come last.
   */
  async pick(
    tried: ReadonlySet<Upstream>,
    skip: (upstream: Upstream) => boolean,
    signal: AbortSignal,
    needed = 0,
  ): Promise<Upstream | undefined> {
    const isBehind = (upstream: Upstream) => (this.#heads.standing(upstream) ?? needed) < needed;
    for (;;) {
      signal.throwIfAborted();
      const candidates = this.#upstreams.filter((upstream) => !skip(upstream));
      const open = candidates
        .filter((upstream) => !tried.has(upstream))
        .sort((a, b) => Number(isBehind(a)) - Number(isBehind(b)));
      const ready = open.find((upstream) => upstream.isReady());
      // those before it are looked at again without keeping anyone waiting
      for (const upstream of open) {
        if (upstream === ready) return ready;
        const checked = upstream.check();
        if (ready === undefined && (await checked)) return upstream;
      }
      if (candidates.some((upstream) => tried.has(upstream)) || candidates.length === 0) return undefined;
      const pauseMs = Math.min(...candidates.map((upstream) => upstream.pausedForMs()));
      await sleep(Math.max(20, pauseMs), undefined, { signal });
    }
  }

  /** Notes what an endpoint's answer shows about where it and the chain are. */
  note(upstream: Upstream, { method, params }: RpcRequest, value: unknown): void {
    if (method === "eth_blockNumber") this.#heads.observe(upstream, Number(value));
    if (!/^eth_getBlockBy/.test(method) || params[0] === "pending") return;
    const block = toBlockLink(value);
    if (block === undefined) return;
    // old blocks say nothing about the head
    if (params[0] === "latest" || block.number > this.#heads.newest())
      this.#heads.observe(upstream, block.number, block);
    this.#heads.remember(block);
  }

  /** @throws {FinalError} for the endpoints' last word. @throws the signal's reason. */
  async ask(request: RpcRequest, signal: AbortSignal): Promise<Found> {
    const parameter = request.params[BLOCK_PARAMETERS.get(request.method) ?? -1];
    const block = toBlockNumber(parameter);
    const stateBlock = BLOCK_METHODS.test(request.method) ? undefined : block;
    const lacksState = (upstream: Upstream) => stateBlock !== undefined && upstream.isPruned(stateBlock);
    const startedAt = Date.now();
    for (let round = 0; ; round += 1) {
      const tried = new Set<Upstream>();
      let final: RpcError | undefined;
      let absent: Found | undefined;
      let lagging = false;
      for (;;) {
        if (
          stateBlock !== undefined &&
          this.#upstreams.every((upstream) => lacksState(upstream) || upstream.isDown()) &&
          this.#upstreams.some(lacksState)
        )
          throw new FinalError(stateNotKept(stateBlock));
        const needed = asksForHead(request) ? this.#heads.newest() - HEAD_TOLERANCE_BLOCKS : block;
        const upstream = await this.pick(tried, lacksState, signal, needed);
        if (upstream === undefined) break;
        tried.add(upstream);
        const answer = await upstream.send(request, signal);
        if (answer.kind === "result") {
          this.note(upstream, request, answer.value);
          if (answer.value !== null || !NULLABLE.test(request.method)) return { upstream, ...answer };
          absent = { upstream, ...answer };
          lagging = true;
        }
        if (answer.kind !== "error") continue;
        const { error, meaning } = answer;
        if (meaning.kind === "pruned" || meaning.kind === "lagging") {
          if (stateBlock !== undefined && (await this.#isOld(stateBlock, signal))) {
            upstream.learnPruned(stateBlock);
            continue;
          }
          lagging = true;
        } else if (meaning.kind === "revert" || this.#upstreams.length === 1) {
          // a revert is the same everywhere
          throw new FinalError(error);
        }
        final = error; // another endpoint may know better, once
      }
      if (lagging && this.#isWorthWaiting(parameter, round, Date.now() - startedAt))
        final = absent = undefined;
      if (absent !== undefined) return absent;
      if (final !== undefined) throw new FinalError(final);
      await backOff(lagging ? Math.min(round, LAG_ROUND) : round, signal);
    }
  }

  /** Whether what is missing exists, so that an endpoint that lags behind will have it soon. */
  #isWorthWaiting(parameter: unknown, round: number, waitedMs: number): boolean {
    const block = toBlockNumber(parameter);
    // null would be believed for good
    if (block !== undefined) return block <= this.#heads.newest() ? true : round < 1;
    const known = typeof parameter === "string" && this.#heads.knows(parameter.toLowerCase());
    return known ? waitedMs < LAG_PATIENCE_MS : round < 1;
  }

  async #isOld(block: number, signal: AbortSignal): Promise<boolean> {
    if (block < this.#heads.newest() - STATE_KEPT_BLOCKS) return true;
    await this.ask(BLOCK_NUMBER, signal);
    return block < this.#heads.newest() - STATE_KEPT_BLOCKS;
  }

  /** Asks one endpoint for logs. "behind" when what it says about blocks up to the last one is not worth believing. */
  async askForLogs(upstream: Upstream, request: RpcRequest, signal: AbortSignal): Promise<Answer | "behind"> {
    const range = blockRange(request);
    if (range === undefined) return upstream.send(request, signal);
    if ((this.#heads.standing(upstream) ?? -1) < range.to) {
      const answer = await this.#askHead(upstream, signal);
      if (answer.kind !== "result") return answer;
    }
    const standing = this.#heads.standing(upstream) ?? -1;
    if (standing < range.to || (await this.isUnconfirmed(upstream, signal))) return "behind";
    // so far below, no backend can be behind
    if (range.to <= standing - NEAR_HEAD_BLOCKS) return upstream.send(request, signal);
    // together, because one URL can hide many backends
    const batch = upstream.takesBatches
      ? await upstream.sendBatch([request, BLOCK_NUMBER], signal)
      : undefined;
    const [logs, ...heads] = batch ?? (await this.#askBetween(upstream, request, signal));
    if (logs === undefined || logs.kind !== "result") return logs ?? "behind";
    for (const head of heads) {
      if (head.kind !== "result") return head;
      this.note(upstream, BLOCK_NUMBER, head.value);
      if (Number(head.value) < range.to) return "behind";
    }
    return logs;
  }

  /** Where batches are refused: the head before and after. */
  async #askBetween(upstream: Upstream, request: RpcRequest, signal: AbortSignal): Promise<Answer[]> {
    const before = await this.#askHead(upstream, signal);
    const logs = await upstream.send(request, signal);
    return [logs, before, await this.#askHead(upstream, signal)];
  }

  async #askHead(upstream: Upstream, signal: AbortSignal): Promise<Answer> {
    const answer = await upstream.send(BLOCK_NUMBER, signal);
    if (answer.kind === "result") this.note(upstream, BLOCK_NUMBER, answer.value);
    return answer;
  }

  /** Has an endpoint show its newest block. */
  async look(upstream: Upstream, signal: AbortSignal): Promise<void> {
    const request = { method: "eth_getBlockByNumber", params: ["latest", false] };
    const answer = await upstream.send(request, signal);
    if (answer.kind === "result") this.note(upstream, request, answer.value);
  }

  /**
   * Whether an endpoint's head counts for nothing. Before that is said of one that only others lag behind, it has to
   * show the blocks that tell whether its head descends from another's.
   */
  async isUnconfirmed(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
    if (!this.#heads.isUnconfirmed(upstream)) return false;
    // what cannot be linked is not tried again at once
    if (Date.now() - (this.#unlinkedAt.get(upstream) ?? 0) < LINK_AGAIN_AFTER_MS) return true;
    this.#unlinkedAt.set(upstream, Date.now());
    await this.#link(upstream, signal);
    if (this.#heads.isUnconfirmed(upstream)) return true;
    this.#unlinkedAt.delete(upstream);
    return false;
  }

  async #link(upstream: Upstream, signal: AbortSignal): Promise<void> {
    const { numbers, spotChecks } = this.#heads.missingLinks(upstream);
    let next = 0;
    let isWhole = true;
    const worker = async () => {
      for (let number = numbers[next++]; number !== undefined; number = numbers[next++]) {
        const answer = await upstream.send(
          { method: "eth_getBlockByNumber", params: [`0x${number.toString(16)}`, false] },
          signal,
        );
        const block = answer.kind === "result" ? toBlockLink(answer.value) : undefined;
        const isOther = spotChecks?.number === number && spotChecks.hash !== block?.hash;
        const isFuture = spotChecks !== undefined && answer.kind === "result" && isAhead(answer.value);
        if (block !== undefined && !isOther && !isFuture) this.#heads.remember(block);
        else {
          // without one of them there is no chain
          isWhole = false;
          next = numbers.length;
        }
      }
    };
    await Promise.all(Array.from({ length: LINKS_AT_ONCE }, worker));
    if (spotChecks !== undefined && isWhole && numbers.length > 0) this.#heads.vouch(upstream);
  }

  /** Whether an endpoint answers at all, apart from what it failed at. */
  async answers(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
    return (await this.#askHead(upstream, signal)).kind === "result";
  }
}

const LINKS_AT_ONCE = 8;
const LINK_AGAIN_AFTER_MS = 10_000;
const CLOCKS_DIFFER_BY_SECONDS = 300;
/** Whether a block says that it is of the future. */
const isAhead = (block: unknown) =>
  Number((block as { timestamp?: unknown } | null)?.timestamp) > Date.now() / 1000 + CLOCKS_DIFFER_BY_SECONDS;
/** An endpoint this close to the newest block keeps its place in the order of preference. */
const HEAD_TOLERANCE_BLOCKS = 8;
const asksForHead = ({ method, params }: RpcRequest) =>
  method === "eth_blockNumber" || params[0] === "latest";
/** Farther below its URL's head than this no backend is. */
const NEAR_HEAD_BLOCKS = 2_048;

/** Code and first words make Ponder and viem take it for a revert, which they do not repeat. */
const stateNotKept = (block: number): RpcError => ({
  code: 3,
  message: `execution reverted: state of block ${block} is not kept by the RPC`,
});

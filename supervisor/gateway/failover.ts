/** Sends a request to one endpoint after the other, in rounds with back-off, until one gives a result or a final error. */
import type { Answer } from "./answer.ts";
import { type ChainHeads, toBlockLink } from "./chainHeads.ts";
import { blockRange, isFields, type RpcError, type RpcRequest, toBlockNumber } from "./jsonRpc.ts";
import type { Sleep } from "./sleep.ts";
import type { Upstream } from "./upstream.ts";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** Every node keeps the state of the newest blocks, so an error about their state is transient. */
const STATE_KEPT_BLOCKS = 64;
/** How long to wait for a block that another endpoint has returned; less than callers are held. */
const LAG_PATIENCE_MS = 5_000;
/** Which parameter of a method names its block. */
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
/** A null from these methods may only mean that this backend does not have the block yet. */
const NULLABLE = /^eth_get(?:Block|Transaction)/;

/** An endpoint's final error, passed on to the caller unchanged. */
export class FinalError extends Error {
  override readonly name = "FinalError";

  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.error = error;
  }
}

/** A result and the endpoint that gave it. */
export interface Found {
  readonly upstream: Upstream;
  readonly value: unknown;
  readonly body: Buffer;
}

export const BLOCK_NUMBER: RpcRequest = { method: "eth_blockNumber", params: [] };

/** While waiting for an endpoint to catch up, pauses grow no longer than this round's. */
export const MAX_LAG_ROUND = 2;

export class Failover {
  readonly #upstreams: readonly Upstream[];
  readonly #heads: ChainHeads<Upstream>;
  readonly #sleep: Sleep;
  readonly #unlinkedAt = new Map<Upstream, number>();

  constructor(upstreams: readonly Upstream[], heads: ChainHeads<Upstream>, sleep: Sleep) {
    this.#upstreams = upstreams;
    this.#heads = heads;
    this.#sleep = sleep;
  }

  /** Pauses before the next round of attempts, longer each time. @throws the signal's reason. */
  backOff(round: number, signal: AbortSignal): Promise<void> {
    const pauseMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** round);
    return this.#sleep(pauseMs * (0.75 + Math.random() / 2), signal);
  }

  /**
   * Picks the first usable endpoint that is not in `tried`, waiting until there is one. Undefined when all were tried.
   * @param needed - endpoints known not to have reached this block come last.
   */
  async pick(
    tried: ReadonlySet<Upstream>,
    skip: (upstream: Upstream) => boolean,
    signal: AbortSignal,
    needed = 0,
  ): Promise<Upstream | undefined> {
    const isBehind = (upstream: Upstream) => (this.#heads.head(upstream) ?? needed) < needed;
    for (;;) {
      signal.throwIfAborted();
      const candidates = this.#upstreams.filter((upstream) => !skip(upstream));
      const open = candidates
        .filter((upstream) => !tried.has(upstream))
        .sort((a, b) => Number(isBehind(a)) - Number(isBehind(b)));
      const ready = open.find((upstream) => upstream.isReady());
      // endpoints before it are checked again in the background
      for (const upstream of open) {
        if (upstream === ready) return ready;
        const checked = upstream.check();
        if (ready === undefined && (await checked)) return upstream;
      }
      if (candidates.some((upstream) => tried.has(upstream)) || candidates.length === 0) return undefined;
      const pauseMs = Math.min(...candidates.map((upstream) => upstream.pausedForMs()));
      await this.#sleep(Math.max(20, pauseMs), signal);
    }
  }

  /** Records what an endpoint's answer shows about its head and about the chain. */
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

  /** Sends a request until it is answered. @throws {FinalError} for a final error. @throws the signal's reason. */
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
        final = error; // unless another endpoint of this round answers
      }
      if (lagging && this.#isWorthWaiting(parameter, round, Date.now() - startedAt))
        final = absent = undefined;
      if (absent !== undefined) return absent;
      if (final !== undefined) throw new FinalError(final);
      await this.backOff(lagging ? Math.min(round, MAX_LAG_ROUND) : round, signal);
    }
  }

  /** Whether the missing block exists, so that a lagging endpoint will have it soon. */
  #isWorthWaiting(parameter: unknown, round: number, waitedMs: number): boolean {
    const block = toBlockNumber(parameter);
    // the caller would take null for final
    if (block !== undefined) return block <= this.#heads.newest() ? true : round < 1;
    const known = typeof parameter === "string" && this.#heads.knows(parameter.toLowerCase());
    return known ? waitedMs < LAG_PATIENCE_MS : round < 1;
  }

  async #isOld(block: number, signal: AbortSignal): Promise<boolean> {
    if (block < this.#heads.newest() - STATE_KEPT_BLOCKS) return true;
    await this.ask(BLOCK_NUMBER, signal);
    return block < this.#heads.newest() - STATE_KEPT_BLOCKS;
  }

  /** Asks one endpoint for logs. "behind" when it has not reached the range's last block, so that logs may be missing. */
  async askForLogs(upstream: Upstream, request: RpcRequest, signal: AbortSignal): Promise<Answer | "behind"> {
    const range = blockRange(request);
    if (range === undefined) return upstream.send(request, signal);
    if ((this.#heads.head(upstream) ?? -1) < range.to) {
      const answer = await this.#askHead(upstream, signal);
      if (answer.kind !== "result") return answer;
    }
    const head = this.#heads.head(upstream) ?? -1;
    if (head < range.to || (await this.isUnconfirmed(upstream, signal))) return "behind";
    // no backend lags this far behind its URL's head
    if (range.to <= head - NEAR_HEAD_BLOCKS) return upstream.send(request, signal);
    // in one batch, so that the same backend answers both: one URL can have many backends
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

  /** Where batches are refused: asks for the head before and after the logs. */
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

  /** Asks an endpoint for its newest block, to learn its head. */
  async refreshHead(upstream: Upstream, signal: AbortSignal): Promise<void> {
    const request = { method: "eth_getBlockByNumber", params: ["latest", false] };
    const answer = await upstream.send(request, signal);
    if (answer.kind === "result") this.note(upstream, request, answer.value);
  }

  /**
   * Whether an endpoint's head is not confirmed by any other endpoint. Before the answer is yes, the endpoint is asked for
   * the blocks that may link its head to another endpoint's: the others may simply lag.
   */
  async isUnconfirmed(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
    if (!this.#heads.isUnconfirmed(upstream)) return false;
    // after a failed attempt, wait before the next one
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
          // one missing block breaks the link
          isWhole = false;
          next = numbers.length;
        }
      }
    };
    await Promise.all(Array.from({ length: LINKS_AT_ONCE }, worker));
    if (spotChecks !== undefined && isWhole && numbers.length > 0) this.#heads.passSpotChecks(upstream);
  }

  /** Whether an endpoint answers other requests than the one it failed at. */
  async answers(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
    return (await this.#askHead(upstream, signal)).kind === "result";
  }
}

const LINKS_AT_ONCE = 8;
const LINK_AGAIN_AFTER_MS = 10_000;
const CLOCKS_DIFFER_BY_SECONDS = 300;
/** Whether a block's timestamp is in the future. */
const isAhead = (block: unknown) =>
  isFields(block) && Number(block.timestamp) > Date.now() / 1000 + CLOCKS_DIFFER_BY_SECONDS;
/** An endpoint this close to the newest block keeps its place in the order of preference. */
const HEAD_TOLERANCE_BLOCKS = 8;
const asksForHead = ({ method, params }: RpcRequest) =>
  method === "eth_blockNumber" || params[0] === "latest";
/** No backend is assumed to lag further behind its URL's head. */
const NEAR_HEAD_BLOCKS = 2_048;

/** Its code and first words make Ponder and viem treat it as a revert, which they do not retry. */
const stateNotKept = (block: number): RpcError => ({
  code: 3,
  message: `execution reverted: state of block ${block} is not kept by the RPC`,
});

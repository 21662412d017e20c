/** One configured endpoint: whether it may be used, how fast, and what it is known to refuse. */
import { redactUrl } from "../config/redact.ts";
import { type Answer, type RpcRequest, readAnswer } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";
import { createPost } from "./post.ts";
import { createRequestRate, type RequestRate, unlimitedRate } from "./requestRate.ts";

const REQUEST_TIMEOUT_MS = 15_000;
const CHECK_TIMEOUT_MS = 5_000;
/** Single failures happen to healthy endpoints; this many in a row, without a success between, do not. */
const FAILURES_BEFORE_PAUSE = 3;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const WRONG_CHAIN_PAUSE_MS = 30_000;
/** Pruning moves on and operators mend nodes, so what was learnt is forgotten after a while. */
const PRUNED_KNOWN_FOR_MS = 30_000;

export interface UpstreamSettings {
  readonly url: string;
  readonly chainId: number;
  /** The variables a user would change: of the URL, and of the chain id. */
  readonly urlVariable: string;
  readonly chainIdVariable: string;
}

const seconds = (ms: number) => `${Math.max(1, Math.round(ms / 1000))} s`;

export const isLoopback = (url: string): boolean => {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // all addresses of a host failed: the first failure is as good as any
  return error instanceof AggregateError ? reasonOf(error.errors[0]) : error.message;
};

export class Upstream {
  readonly #settings: UpstreamSettings;
  readonly #notices: Notices;
  readonly #now: () => number;
  readonly #name: string;
  readonly #connection: ReturnType<typeof createPost>;
  readonly rate: RequestRate;
  /** Most blocks that one eth_getLogs may span; undefined while no limit was met. */
  logBlocks: number | undefined;

  #pausedUntil = 0;
  #pauses = 0;
  #failures = 0;
  #countFrom = 0;
  #checked = false;
  #checking: Promise<boolean> | undefined;
  #pruned = { upTo: -1, until: 0 };

  constructor(settings: UpstreamSettings, notices: Notices, now: () => number = Date.now) {
    this.#settings = settings;
    this.#notices = notices;
    this.#now = now;
    this.#name = `${settings.urlVariable} ${redactUrl(settings.url)}`;
    this.#connection = createPost(settings.url);
    this.rate = isLoopback(settings.url) ? unlimitedRate : createRequestRate(now);
  }

  /** Milliseconds until it is worth asking again; 0 when it is now. */
  pausedForMs(): number {
    return Math.max(0, this.#pausedUntil - this.#now());
  }

  /** Whether it failed repeatedly, so that waiting for it is pointless while others answer. */
  isDown(): boolean {
    return this.#pauses > 1;
  }

  /** Known to be of the right chain, and not failing. */
  isReady(): boolean {
    return this.#checked && this.pausedForMs() === 0;
  }

  /** Asks for the chain id unless it is known to be right. False when the endpoint cannot be used now. */
  check(): Promise<boolean> {
    if (this.pausedForMs() > 0) return Promise.resolve(false);
    if (this.#checked) return Promise.resolve(true);
    this.#checking ??= this.#askChainId().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #askChainId(): Promise<boolean> {
    const answer = await this.#post({ method: "eth_chainId", params: [] }, CHECK_TIMEOUT_MS);
    if (answer.kind !== "result") {
      const reason =
        answer.kind === "error"
          ? answer.error.message
          : answer.kind === "limited"
            ? "too many requests"
            : answer.reason;
      this.#pause(reason);
      return false;
    }
    const { result } = JSON.parse(answer.body.toString()) as { result: unknown };
    const { chainId, chainIdVariable, urlVariable } = this.#settings;
    if (Number(result) !== chainId) {
      this.#pausedUntil = this.#now() + WRONG_CHAIN_PAUSE_MS;
      this.#pauses = Math.max(this.#pauses, 2); // down: another chain's node does not come round by itself
      this.#notices.warn(
        `chain ${this.#settings.url}`,
        `${this.#name} answers with chain id ${Number(result)}, but ${chainId} is expected; change ${urlVariable} (or ${chainIdVariable}). Not used; looking again in ${seconds(WRONG_CHAIN_PAUSE_MS)}`,
      );
      return false;
    }
    this.#checked = true;
    this.#pauses = 0;
    this.#failures = 0;
    this.#notices.over(`reach ${this.#settings.url}`, `${this.#name} answers`);
    this.#notices.over(`chain ${this.#settings.url}`, `${this.#name} now answers with chain id ${chainId}`);
    return true;
  }

  /** Sends one request when the rate allows. @throws the signal's reason. */
  async send(request: RpcRequest, signal: AbortSignal): Promise<Answer> {
    await this.rate.take(signal);
    const sentAt = this.#now();
    const answer = await this.#post(request, REQUEST_TIMEOUT_MS, signal);
    signal.throwIfAborted();
    if (answer.kind === "unreachable") {
      if (sentAt >= this.#countFrom) this.#failures += 1;
      if (this.#failures >= FAILURES_BEFORE_PAUSE) this.#pause(answer.reason);
      return answer;
    }
    if (sentAt >= this.#countFrom) this.#failures = 0;
    if (answer.kind === "limited") {
      this.rate.refused(answer.retryAfterMs);
      this.#notices.warn(
        `rate ${this.#settings.url}`,
        this.rate === unlimitedRate
          ? `${this.#name} limits requests; repeating them`
          : `${this.#name} limits requests; slowed down to ${Math.round(this.rate.perSecond())} a second`,
        60_000,
      );
    } else if (answer.kind === "result") this.rate.succeeded();
    return answer;
  }

  /** Remembers that the state of `block`, and so of older ones, is gone. */
  learnPruned(block: number): void {
    const upTo = this.#now() < this.#pruned.until ? Math.max(block, this.#pruned.upTo) : block;
    this.#pruned = { upTo, until: this.#now() + PRUNED_KNOWN_FOR_MS };
    this.#notices.warn(
      `pruned ${this.#settings.url}`,
      `${this.#name} keeps no state of old blocks (block ${block}); records come from calldata there`,
      Number.POSITIVE_INFINITY,
    );
  }

  isPruned(block: number): boolean {
    return this.#now() < this.#pruned.until && block <= this.#pruned.upTo;
  }

  /** Remembers the widest range that eth_getLogs may have. */
  learnLogBlocks(blocks: number): void {
    if (this.logBlocks !== undefined && this.logBlocks <= blocks) return;
    this.logBlocks = blocks;
    this.#notices.warn(
      `range ${this.#settings.url} ${blocks}`,
      `${this.#name} limits eth_getLogs; asking for at most ${blocks} blocks at a time`,
      Number.POSITIVE_INFINITY,
    );
  }

  #pause(reason: string): void {
    if (this.pausedForMs() > 0) return;
    const steps = Math.min(this.#pauses, 10);
    const jitter = 0.75 + Math.random() / 2;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** steps * jitter);
    this.#pausedUntil = this.#now() + pauseMs;
    // requests already under way will fail too: the same failure, not new ones
    this.#countFrom = this.#pausedUntil;
    this.#failures = 0;
    this.#pauses += 1;
    // it may come back as another node
    this.#checked = false;
    this.#notices.warn(
      `reach ${this.#settings.url}`,
      `${this.#name} cannot be used: ${reason}. Trying again in ${seconds(pauseMs)}, then less often, at least every ${seconds(LONGEST_PAUSE_MS)}`,
    );
  }

  async #post(request: RpcRequest, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const { status, retryAfter, body } = await this.#connection.post(
        JSON.stringify({ jsonrpc: "2.0", id: 1, ...request }),
        signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      );
      return readAnswer(request, status, retryAfter, body);
    } catch (error) {
      return { kind: "unreachable", reason: timeout.aborted ? "no answer in time" : reasonOf(error) };
    }
  }

  /** Closes its connections. */
  close(): void {
    this.#connection.close();
  }
}

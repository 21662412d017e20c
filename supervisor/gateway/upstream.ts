/** One configured endpoint: tracks whether it is usable, at what rate, and which requests it refuses. */
import { redactUrl, withoutSecretsOf } from "../../config/redact.ts";
import { type Answer, type Response, readAnswer, readBatch } from "./answer.ts";
import { BlockLimit } from "./blockLimit.ts";
import type { RpcRequest } from "./jsonRpc.ts";
import type { Notices } from "./notices.ts";
import { createPost, TooLargeError } from "./post.ts";
import { createRequestRate, createUnlimitedRate, type RequestRate } from "./requestRate.ts";

/** For a whole answer, however slowly it arrives. */
const REQUEST_TIMEOUT_MS = 15_000;
/** A full Base block is a few hundred kilobytes. */
export const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const CHECK_TIMEOUT_MS = 5_000;
/** Healthy endpoints fail now and then, but not this often in a row. */
const FAILURES_BEFORE_PAUSE = 3;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
const WRONG_CHAIN_PAUSE_MS = 30_000;
/** A load balancer may switch to another chain's nodes. */
const CHECK_AGAIN_AFTER_MS = 60_000;
/** Pruning advances and operators repair nodes, so this is forgotten after a while. */
const PRUNED_KNOWN_FOR_MS = 30_000;

export interface UpstreamSettings {
  readonly url: string;
  readonly chainId: number;
  /** The settings that messages name. */
  readonly urlVariable: string;
  readonly chainIdVariable: string;
  readonly maxAnswerBytes: number;
  readonly requestTimeoutMs?: number | undefined;
}

const seconds = (ms: number) => `${Math.max(1, Math.round(ms / 1000))} s`;

export const isLoopback = (url: string): boolean => {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // every address of the host failed: the first failure stands for all
  return error instanceof AggregateError ? reasonOf(error.errors[0]) : error.message;
};

const unchanged = (answer: Answer | undefined) => answer;

const SEVERITY: readonly Answer["kind"][] = ["unreachable", "limited", "fault", "error", "result"];
const worst = (answers: readonly Answer[]): Answer | undefined =>
  [...answers].sort((a, b) => SEVERITY.indexOf(a.kind) - SEVERITY.indexOf(b.kind))[0];

export class Upstream {
  readonly #settings: UpstreamSettings;
  readonly #notices: Notices;
  readonly #now: () => number;
  /** The setting and the redacted URL, for messages. */
  readonly name: string;
  readonly #connection: ReturnType<typeof createPost>;
  readonly rate: RequestRate;
  /** Of eth_getLogs. */
  readonly blockLimit = new BlockLimit();
  /** False once it refused a batch. */
  takesBatches = true;

  #pausedUntil = 0;
  #pauses = 0;
  #failures = 0;
  #countFrom = 0;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checked = false;
  #checking: Promise<boolean> | undefined;
  #pruned = { upTo: -1, until: 0 };

  constructor(settings: UpstreamSettings, notices: Notices, now: () => number = () => Date.now()) {
    this.#settings = settings;
    this.#notices = notices;
    this.#now = now;
    this.name = `${settings.urlVariable} ${redactUrl(settings.url)}`;
    this.#connection = createPost(settings.url, settings.maxAnswerBytes);
    this.rate = isLoopback(settings.url) ? createUnlimitedRate(now) : createRequestRate(now);
  }

  /** Milliseconds until it is worth asking again; 0 when it is now. */
  pausedForMs(): number {
    return Math.max(0, this.#pausedUntil - this.#now(), this.rate.pausedForMs());
  }

  /** Whether it keeps failing, so that waiting for it is pointless while others answer. */
  isDown(): boolean {
    return this.#pauses > 1;
  }

  /** Whether it is known to be on the right chain, and not paused. */
  isReady(): boolean {
    return this.#checked && this.pausedForMs() === 0;
  }

  /** Checks the chain id unless that was done. False when the endpoint is unusable for now. */
  check(): Promise<boolean> {
    if (this.pausedForMs() > 0) return Promise.resolve(false);
    return this.#checked ? Promise.resolve(true) : this.#check();
  }

  #check(): Promise<boolean> {
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
    const result = Number(answer.value);
    const { chainId, chainIdVariable, urlVariable } = this.#settings;
    if (result !== chainId) {
      this.#checked = false;
      this.#pausedUntil = this.#now() + WRONG_CHAIN_PAUSE_MS;
      this.#pauses = Math.max(this.#pauses, 2); // down: another chain's node does not become ours by itself
      this.#notices.warn(
        `chain ${this.#settings.url}`,
        `${this.name} has chain id ${result}, expected ${chainId}; change ${urlVariable} or ${chainIdVariable}. It is not used; checking again in ${seconds(WRONG_CHAIN_PAUSE_MS)}`,
      );
      return false;
    }
    this.#checked = true;
    this.#checkedAt = this.#now();
    this.#pauses = 0;
    this.#failures = 0;
    this.#notices.recovered(`reach ${this.#settings.url}`, `${this.name} answers`);
    this.#notices.recovered(`chain ${this.#settings.url}`, `${this.name} now has chain id ${chainId}`);
    return true;
  }

  /** Sends one request when the rate allows. @throws the signal's reason. */
  async send(request: RpcRequest, signal: AbortSignal): Promise<Answer> {
    return this.#when(signal, () => this.#post(request, this.#timeoutMs, signal), unchanged);
  }

  /**
   * Sends requests as one batch, so that one backend answers them all.
   * @returns their answers in order; undefined when the endpoint does not take batches. @throws the signal's reason.
   */
  async sendBatch(requests: readonly RpcRequest[], signal: AbortSignal): Promise<Answer[] | undefined> {
    const body = requests.map((request, index) => ({ jsonrpc: "2.0", id: index + 1, ...request }));
    const ask = async (): Promise<Answer[] | undefined> => {
      const response = await this.#exchange(body, requests[0], this.#timeoutMs, signal);
      return "status" in response ? readBatch(requests, response) : requests.map(() => response);
    };
    const answers = await this.#when(signal, ask, (given) => worst(given ?? []));
    this.takesBatches &&= answers !== undefined;
    return answers;
  }

  async #when<T>(
    signal: AbortSignal,
    ask: () => Promise<T>,
    toNote: (answered: T) => Answer | undefined,
  ): Promise<T> {
    await this.rate.take(signal);
    const sentAt = this.#now();
    const answered = await ask();
    signal.throwIfAborted();
    const answer = toNote(answered);
    if (answer !== undefined) this.#learn(answer, sentAt);
    return answered;
  }

  #learn(answer: Answer, sentAt: number): void {
    if (answer.kind === "unreachable") {
      if (sentAt >= this.#countFrom) this.#failures += 1;
      if (this.#failures >= FAILURES_BEFORE_PAUSE) this.#pause(answer.reason);
      return;
    }
    if (sentAt >= this.#countFrom) this.#failures = 0;
    if (answer.kind === "limited") {
      this.rate.refused(answer.retryAfterMs);
      const perSecond = this.rate.perSecond();
      const pause = answer.retryAfterMs === undefined ? "" : `, asks to wait ${seconds(answer.retryAfterMs)}`;
      this.#notices.warn(
        `rate ${this.#settings.url}`,
        Number.isFinite(perSecond)
          ? `${this.name} limits requests${pause}; slowed down to ${Math.round(perSecond)} a second`
          : `${this.name} limits requests${pause}; retrying`,
        60_000,
      );
    } else if (answer.kind === "result") this.rate.succeeded();
    else if (answer.kind === "fault")
      this.#notices.warn(
        `fault ${this.#settings.url}`,
        `${this.name} has transient faults (${this.#shown(answer.reason)}); retrying`,
        300_000,
      );
    // in the background
    if (this.#checked && this.#now() - this.#checkedAt > CHECK_AGAIN_AFTER_MS) void this.#check();
  }

  /** Remembers that the state of `block`, and therefore of older blocks, is pruned. */
  learnPruned(block: number): void {
    const upTo = this.#now() < this.#pruned.until ? Math.max(block, this.#pruned.upTo) : block;
    this.#pruned = { upTo, until: this.#now() + PRUNED_KNOWN_FOR_MS };
    this.#notices.warn(
      `pruned ${this.#settings.url}`,
      `${this.name} has pruned the state of old blocks (block ${block}); their node records are read from calldata`,
      Number.POSITIVE_INFINITY,
    );
  }

  isPruned(block: number): boolean {
    return this.#now() < this.#pruned.until && block <= this.#pruned.upTo;
  }

  /** Learns from the refusal of an eth_getLogs over `refused` blocks. @param named - the limit in its text. */
  learnBlockLimit(refused: number, named: number | undefined): void {
    if (!this.blockLimit.refused(refused, named)) return;
    const { blocks } = this.blockLimit;
    this.#notices.warn(
      `range ${this.#settings.url} ${blocks}`,
      `${this.name} limits eth_getLogs; asking for at most ${blocks} blocks at a time`,
      Number.POSITIVE_INFINITY,
    );
  }

  /** Warns that it is behind the newest known block. */
  warnLag(head: number, newest: number): void {
    this.#notices.warn(
      `lag ${this.#settings.url}`,
      `${this.name} is ${newest - head} blocks behind (at ${head}, the chain at ${newest}); it is not asked for newer blocks`,
      300_000,
    );
  }

  /** Warns that its head is not trusted. */
  warnUnconfirmed(head: number): void {
    this.#notices.warn(
      `unconfirmed ${this.#settings.url}`,
      `${this.name} claims block ${head}, which no other endpoint has reached; its head is not trusted`,
      300_000,
    );
  }

  #pause(reason: string): void {
    if (this.#pausedUntil > this.#now()) return;
    const steps = Math.min(this.#pauses, 10);
    const jitter = 0.75 + Math.random() / 2;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** steps * jitter);
    this.#pausedUntil = this.#now() + pauseMs;
    // requests in flight will fail too: that is the same failure, not a new one
    this.#countFrom = this.#pausedUntil;
    this.#failures = 0;
    this.#pauses += 1;
    // another node may answer when it comes back
    this.#checked = false;
    this.#notices.warn(
      `reach ${this.#settings.url}`,
      `${this.name} is unusable: ${this.#shown(reason)}. Retrying in ${seconds(pauseMs)}, then less often, at least every ${seconds(MAX_PAUSE_MS)}`,
    );
  }

  /** An endpoint's text without secrets, for the log. */
  #shown(reason: string): string {
    return withoutSecretsOf(this.#settings.url, reason);
  }

  get #timeoutMs(): number {
    return this.#settings.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  }

  async #post(request: RpcRequest, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
    const body = { jsonrpc: "2.0", id: 1, ...request };
    const response = await this.#exchange(body, request, timeoutMs, signal);
    return "status" in response ? readAnswer(request, response) : response;
  }

  async #exchange(
    body: object,
    request: RpcRequest | undefined,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<Response | Answer> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const until = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    try {
      return await this.#connection.post(JSON.stringify(body), until);
    } catch (error) {
      const reason = timeout.aborted ? "no answer in time" : reasonOf(error);
      // fewer blocks have fewer logs
      return error instanceof TooLargeError && request?.method === "eth_getLogs"
        ? {
            kind: "error",
            error: { code: -32000, message: reason },
            meaning: { kind: "size", suggested: undefined },
          }
        : { kind: "unreachable", reason };
    }
  }

  /** Closes its connections. */
  close(): void {
    this.#connection.close();
  }
}

/** The Walrus aggregators: asks them in order, and skips those that keep failing for a while. */
import { redactUrl } from "../../../config/redact.ts";
import type { GetFailure, GetLimits, GetOutcome, HttpGet } from "./httpGet.ts";
import type { MemoryHold } from "./memoryHold.ts";

/** An aggregator is paused after it failed for this many different blobs, without answering for any in between. */
const FAILURES_BEFORE_PAUSE = 3;
/** Failed blobs remembered per aggregator. */
const MAX_FAILED_BLOBS = 1_000;
const FIRST_PAUSE_MS = 2_000;
/** The blobs may be at fault, not the aggregator, so other blobs must not wait long. */
const MAX_PAUSE_MS = 10_000;

/** Failures that concern the aggregator, not only this blob. */
const SERVER_FAILURES: ReadonlySet<GetFailure> = new Set([
  "unreachable",
  "no-answer",
  "server-error",
  "private-address",
]);

export type Answer =
  | GetOutcome
  /** It failed repeatedly and is paused: no request was sent. */
  | { readonly kind: "paused"; readonly forMs: number; readonly detail: string };

/** Clock and randomness, injected so that tests can control them. */
export interface Circumstances {
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

class Aggregator {
  readonly name: string;
  /**
   * Blobs it failed for since its last answer. Failures during a pause are not counted: those requests were sent before it.
   * A single blob that makes it fail, however often, says nothing about the others.
   */
  readonly #failed = new Set<string>();
  #pauses = 0;
  #pausedUntilMs = 0;
  #lastFailure = "";

  constructor(readonly base: string) {
    this.name = redactUrl(base);
  }

  /** Milliseconds left of its pause; zero when it may be asked. */
  pausedForMs(nowMs: number): number {
    return Math.max(0, this.#pausedUntilMs - nowMs);
  }

  /** Why it is paused, with its last failure. */
  get pauseReason(): string {
    return `${this.name} failed several times in a row; last: ${this.#lastFailure}`;
  }

  note(blobId: string, outcome: GetOutcome, { nowMs, random }: Circumstances): void {
    if (outcome.kind !== "failed" || !SERVER_FAILURES.has(outcome.reason)) {
      this.#failed.clear();
      this.#pauses = 0;
      this.#pausedUntilMs = 0;
      return;
    }
    if (this.pausedForMs(nowMs()) > 0 || this.#failed.has(blobId)) return;
    this.#lastFailure = outcome.detail;
    this.#failed.add(blobId);
    const [oldest] = this.#failed;
    if (this.#failed.size > MAX_FAILED_BLOBS && oldest !== undefined) this.#failed.delete(oldest);
    // after a pause, one more failure shows that it has not recovered
    if (this.#pauses === 0 && this.#failed.size < FAILURES_BEFORE_PAUSE) return;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#pauses, MAX_PAUSE_MS);
    this.#pauses++;
    this.#pausedUntilMs = nowMs() + pauseMs * (0.5 + random() / 2);
  }
}

export class Aggregators {
  readonly #aggregators: readonly Aggregator[];

  constructor(
    urls: readonly string[],
    private readonly http: HttpGet,
    private readonly limits: GetLimits,
    private readonly circumstances: Circumstances,
  ) {
    this.#aggregators = urls.map((url) => new Aggregator(url.replace(/\/+$/, "")));
  }

  /** Milliseconds until an aggregator can be asked; zero when one can be now. */
  pausedForMs(): number {
    const nowMs = this.circumstances.nowMs();
    return Math.min(...this.#aggregators.map((aggregator) => aggregator.pausedForMs(nowMs)));
  }

  /**
   * Asks one aggregator after the other, for as long as the caller wants another answer. A paused one yields `paused` at
   * once.
   * @param blobId - 43 base64url characters.
   * @returns one answer per aggregator.
   */
  async *ask(blobId: string, hold: MemoryHold, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    for (const aggregator of this.#aggregators) {
      if (signal.aborted) return;
      const forMs = aggregator.pausedForMs(this.circumstances.nowMs());
      if (forMs > 0) {
        yield { kind: "paused", forMs, detail: aggregator.pauseReason };
        continue;
      }
      const url = new URL(`${aggregator.base}/v1/blobs/${encodeURIComponent(blobId)}`);
      const outcome = await this.http.get(url, this.limits, hold, signal);
      // an aborted request says nothing about the aggregator
      if (!signal.aborted) aggregator.note(blobId, outcome, this.circumstances);
      yield outcome;
    }
  }
}

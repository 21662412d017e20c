/** The Walrus aggregators: who is asked, in which order, and who is left alone for a while. */
import { redactUrl } from "../../../config/redact.ts";
import type { GetFailure, GetLimits, GetOutcome, HttpGet } from "./httpGet.ts";
import type { MemoryHold } from "./memoryHold.ts";

/** Blobs that it fails to answer for, without an answer for any other, after which an aggregator is left alone. */
const FAILURES_TOLERATED = 3;
/** Of blobs that it failed to answer for, so many are told apart. */
const BLOBS_REMEMBERED = 1_000;
const FIRST_REST_MS = 2_000;
/** Blobs that are to blame themselves may have made it rest: nothing else must wait for long. */
const MAX_REST_MS = 10_000;

/** What says that an aggregator is ill, and not only this blob. */
const ILLNESS: ReadonlySet<GetFailure> = new Set([
  "unreachable",
  "no-answer",
  "server-error",
  "private-address",
]);

export type Answer =
  | GetOutcome
  /** It failed several times and is left alone: nobody asked it. */
  | { readonly kind: "resting"; readonly forMs: number; readonly detail: string };

/** Clock and chance, handed in so that tests can choose them. */
export interface Circumstances {
  readonly nowMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

class Aggregator {
  readonly name: string;
  /**
   * Blobs without an answer since its last answer, without those that came in while it rested: they were under way before.
   * One blob that makes it fail, however often it is asked for, shows nothing about the others.
   */
  readonly #failed = new Set<string>();
  #rests = 0;
  #restsUntilMs = 0;
  #lastFailure = "";

  constructor(readonly base: string) {
    this.name = redactUrl(base);
  }

  /** Zero when it may be asked. */
  restMs(nowMs: number): number {
    return Math.max(0, this.#restsUntilMs - nowMs);
  }

  /** Why it rests, with what it failed with last. */
  get complaint(): string {
    return `${this.name} failed several times in a row; last: ${this.#lastFailure}`;
  }

  note(blobId: string, outcome: GetOutcome, { nowMs, random }: Circumstances): void {
    if (outcome.kind !== "failed" || !ILLNESS.has(outcome.reason)) {
      this.#failed.clear();
      this.#rests = 0;
      this.#restsUntilMs = 0;
      return;
    }
    if (this.restMs(nowMs()) > 0 || this.#failed.has(blobId)) return;
    this.#lastFailure = outcome.detail;
    this.#failed.add(blobId);
    const [oldest] = this.#failed;
    if (this.#failed.size > BLOBS_REMEMBERED && oldest !== undefined) this.#failed.delete(oldest);
    // once it has rested, one more shows that it has not recovered
    if (this.#rests === 0 && this.#failed.size < FAILURES_TOLERATED) return;
    const rest = Math.min(FIRST_REST_MS * 2 ** this.#rests, MAX_REST_MS);
    this.#rests++;
    this.#restsUntilMs = nowMs() + rest * (0.5 + random() / 2);
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

  /** How long there is nobody to ask; zero when there is. */
  restMs(): number {
    const nowMs = this.circumstances.nowMs();
    return Math.min(...this.#aggregators.map((aggregator) => aggregator.restMs(nowMs)));
  }

  /**
   * Asks one aggregator after the other, for as long as the caller wants another answer. One that rests answers at once
   * that it does.
   * @param blobId - 43 base64url characters.
   * @returns one answer per aggregator.
   */
  async *ask(blobId: string, hold: MemoryHold, signal: AbortSignal): AsyncGenerator<Answer, void, void> {
    for (const aggregator of this.#aggregators) {
      if (signal.aborted) return;
      const forMs = aggregator.restMs(this.circumstances.nowMs());
      if (forMs > 0) {
        yield { kind: "resting", forMs, detail: aggregator.complaint };
        continue;
      }
      const url = new URL(`${aggregator.base}/v1/blobs/${encodeURIComponent(blobId)}`);
      const outcome = await this.http.get(url, this.limits, hold, signal);
      // what was called off says nothing about who was asked
      if (!signal.aborted) aggregator.note(blobId, outcome, this.circumstances);
      yield outcome;
    }
  }
}

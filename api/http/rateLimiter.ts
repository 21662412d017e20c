/**
 * Rate limits by client: each client has a bucket of tokens that refills steadily. A bucket is stored as the instant at which it
 * will be full again (GCRA), so a client takes one number, and the number of stored clients is bounded.
 */

/** At most `burst` tokens at once, and `perMinute` in the long run. */
export interface RateLimit {
  readonly perMinute: number;
  readonly burst: number;
}

export interface RateState {
  readonly allowed: boolean;
  /** Whole tokens left. */
  readonly remaining: number;
  /** Until the bucket is full. */
  readonly resetSeconds: number;
  /** Until the requested tokens are available; 0 when they were. */
  readonly retryAfterSeconds: number;
}

/** About 10 MB. A flood from more addresses than this cannot be stopped by counting addresses. */
const MAX_CLIENTS = 50_000;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #msPerToken: number;
  readonly #maxClients: number;
  /** By client, the millisecond at which its bucket is full again; least recently active first. */
  readonly #fullAt = new Map<string, number>();

  constructor(limit: RateLimit, maxClients = MAX_CLIENTS) {
    this.#limit = limit;
    this.#msPerToken = 60_000 / limit.perMinute;
    this.#maxClients = maxClients;
  }

  get clients(): number {
    return this.#fullAt.size;
  }

  /**
   * Takes tokens, all or none.
   * @param cost - capped at a full bucket, so that no request is refused for ever.
   * @param nowMs - of a monotonic clock.
   */
  take(client: string, cost: number, nowMs: number): RateState {
    const { burst } = this.#limit;
    const price = Math.min(cost, burst);
    const fullAt = Math.max(nowMs, this.#fullAt.get(client) ?? 0);
    const missing = (fullAt - nowMs) / this.#msPerToken;
    const allowed = missing + price <= burst + ROUNDING;
    const left = allowed ? burst - missing - price : burst - missing;
    const nextFullAt = allowed ? fullAt + price * this.#msPerToken : fullAt;
    this.#remember(client, nextFullAt, nowMs);
    return {
      allowed,
      remaining: Math.max(0, Math.floor(left + ROUNDING)),
      resetSeconds: wholeSeconds(nextFullAt - nowMs),
      retryAfterSeconds: allowed ? 0 : Math.max(1, wholeSeconds((price - left) * this.#msPerToken)),
    };
  }

  #remember(client: string, fullAt: number, nowMs: number): void {
    this.#fullAt.delete(client);
    this.#fullAt.set(client, fullAt);
    // Drops the least recently active clients; a full bucket need not be stored at all.
    for (const [oldest, at] of this.#fullAt) {
      if (at > nowMs && this.#fullAt.size <= this.#maxClients) break;
      if (oldest === client) break;
      this.#fullAt.delete(oldest);
    }
  }
}

/** Tolerance for floating-point error, in tokens. */
const ROUNDING = 1e-9;

const wholeSeconds = (ms: number): number => Math.ceil(ms / 1_000 - ROUNDING);

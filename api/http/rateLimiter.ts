/**
 * How much each client may ask: a bucket of tokens per client that fills steadily. Kept as the one instant at which the
 * bucket is full again (GCRA), so a client costs one number, and at most so many clients are remembered.
 */

/** What one client may ask: at most `burst` at once, and in the long run `perMinute`. */
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
  /** Until the tokens asked for are there; 0 when they were. */
  readonly retryAfterSeconds: number;
}

/** About 10 MB of clients. Who floods us from more addresses than this is not to be stopped by counting addresses. */
const MAX_CLIENTS = 50_000;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #msPerToken: number;
  readonly #mostClients: number;
  /** By client, the millisecond at which its bucket is full; who asked last is last. */
  readonly #fullAt = new Map<string, number>();

  constructor(limit: RateLimit, mostClients = MAX_CLIENTS) {
    this.#limit = limit;
    this.#msPerToken = 60_000 / limit.perMinute;
    this.#mostClients = mostClients;
  }

  get clients(): number {
    return this.#fullAt.size;
  }

  /**
   * Takes tokens, all or none.
   * @param cost - more than a bucket holds counts as all of it: no question is forbidden for ever.
   * @param nowMs - of a clock that only goes forward.
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
    // The clients not heard of for longest: of those with a full bucket there is nothing to remember.
    for (const [oldest, at] of this.#fullAt) {
      if (at > nowMs && this.#fullAt.size <= this.#mostClients) break;
      if (oldest === client) break;
      this.#fullAt.delete(oldest);
    }
  }
}

/** Fractions of a token that arithmetic may lose. */
const ROUNDING = 1e-9;

const wholeSeconds = (ms: number): number => Math.ceil(ms / 1_000 - ROUNDING);

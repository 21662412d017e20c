/** Enforces rate limits, and reports them in headers. */
import type { Context, Env } from "hono";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import type { Charge } from "../queries/reading/charge.ts";
import type { Client } from "./clientAddress.ts";
import type { RateLimit, RateLimiter } from "./rateLimiter.ts";
import { requestCost } from "./requestCost.ts";

export const RATE_LIMIT_HEADERS = [
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "RateLimit-Policy",
] as const;

export interface RateLimits {
  readonly limit: RateLimit;
  readonly limiter: RateLimiter;
  /** Clients on this machine are unlimited by default: one may be a proxy that is not configured as trusted. */
  readonly loopback: "limited" | "unlimited";
}

/** The client's rate limit; absent for clients that are not limited. */
export interface RateLimitVariables {
  readonly rateLimitKey?: string;
  readonly charge?: Charge;
  readonly rateLimit?: Readonly<Record<(typeof RATE_LIMIT_HEADERS)[number], string>>;
}

/**
 * Sets `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy` on responses to limited clients, refusals included. Wraps
 * `enforceRateLimits`.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07 for the headers, as deployed
 */
export const rateLimitHeaders = createMiddleware<{ Variables: RateLimitVariables }>(async (context, next) => {
  await next();
  // Set afterwards, because a response that a route creates itself drops headers set before.
  for (const [name, value] of Object.entries(context.get("rateLimit") ?? {}))
    context.res.headers.set(name, value);
});

/**
 * Charges each request to its client, and refuses it when the budget is used up.
 * @param now - milliseconds of a monotonic clock.
 * @throws {ApiError} `rate-limited`.
 */
export const enforceRateLimits = <E extends Env & { Variables: RateLimitVariables }>(
  { limit, limiter, loopback }: RateLimits,
  clientOf: (context: Context) => Client | null,
  now: () => number,
) =>
  createMiddleware<E>(async (context, next) => {
    const client = clientOf(context);
    const counted = client !== null && (loopback === "limited" || !client.loopback);
    if (!counted) return next();
    context.set("rateLimitKey", client.key);
    context.set("charge", (cost: number) => 1_000 * limiter.take(client.key, cost, now()).retryAfterSeconds);
    const cost = requestCost(context.req.method, context.req.path, new URL(context.req.url).searchParams);
    if (cost === 0) return next();
    const state = limiter.take(client.key, cost, now());
    const windowSeconds = Math.ceil((limit.burst * 60) / limit.perMinute);
    context.set("rateLimit", {
      "RateLimit-Limit": String(limit.burst),
      "RateLimit-Remaining": String(state.remaining),
      "RateLimit-Reset": String(state.resetSeconds),
      "RateLimit-Policy": `${limit.burst};w=${windowSeconds}`,
    });
    if (!state.allowed)
      throw new ApiError(
        "rate-limited",
        `This request costs ${Math.min(cost, limit.burst)} units and ${state.remaining} are left; ${limit.perMinute} are added per minute. Wait ${state.retryAfterSeconds} s.`,
        { cost: Math.min(cost, limit.burst), remaining: state.remaining },
        { retryAfterSeconds: state.retryAfterSeconds },
      );
    await next();
  });

/** Refuses clients that ask for more than their share. */
import type { Context, Env } from "hono";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import type { Client } from "./clientAddress.ts";
import type { RateLimit, RateLimiter } from "./rateLimit.ts";
import { requestCost } from "./requestCost.ts";

export const RATE_LIMIT_HEADERS = [
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "RateLimit-Policy",
];

export interface RateLimits {
  readonly limit: RateLimit;
  readonly limiter: RateLimiter;
  /** Clients on this machine: none by default, for they can be a proxy that we were not told of. */
  readonly loopback: "limited" | "unlimited";
}

/** Whose share a request is part of; absent for those who are not counted. */
export interface CountedClient {
  readonly countedClient?: string;
}

/**
 * Sets `RateLimit-Limit`, `-Remaining`, `-Reset` and `-Policy` on what is counted.
 * @param now - milliseconds of a clock that only goes forward.
 * @throws {ApiError} `rate-limited`.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07 for the headers, as deployed
 */
export const limitRates = <E extends Env & { Variables: CountedClient }>(
  { limit, limiter, loopback }: RateLimits,
  clientOf: (context: Context) => Client | null,
  now: () => number,
) =>
  createMiddleware<E>(async (context, next) => {
    const client = clientOf(context);
    const counted = client !== null && (loopback === "limited" || !client.loopback);
    if (!counted) return next();
    context.set("countedClient", client.key);
    const cost = requestCost(context.req.path, new URL(context.req.url).searchParams);
    if (cost === 0) return next();
    const state = limiter.take(client.key, cost, now());
    const windowSeconds = Math.ceil((limit.burst * 60) / limit.perMinute);
    context.header("RateLimit-Limit", String(limit.burst));
    context.header("RateLimit-Remaining", String(state.remaining));
    context.header("RateLimit-Reset", String(state.resetSeconds));
    context.header("RateLimit-Policy", `${limit.burst};w=${windowSeconds}`);
    if (!state.allowed)
      throw new ApiError(
        "rate-limited",
        `This request costs ${Math.min(cost, limit.burst)} and ${state.remaining} are left; ${limit.perMinute} flow in per minute. Wait ${state.retryAfterSeconds} s.`,
        { cost: Math.min(cost, limit.burst), remaining: state.remaining },
        { retryAfterSeconds: state.retryAfterSeconds },
      );
    await next();
  });

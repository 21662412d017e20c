/** Everything that a request passes before it reaches a route, outermost first. */
import { cors } from "hono/cors";
import type { AddressRange } from "../../config/addressRange.ts";
import { FRESHNESS_HEADERS } from "../queries/state/asOf.ts";
import { createPageBudget } from "../rest/pageBudget.ts";
import type { ApiApp } from "../rest/route.ts";
import { createClientLookup, fairnessKeyOf } from "./clientLookup.ts";
import { compression } from "./compression.ts";
import { connectionOf } from "./connection.ts";
import { isPreflight, requireAllowedMethod } from "./methods.ts";
import { observeRequests, type RequestObserver } from "./observeRequests.ts";
import {
  enforceRateLimits,
  RATE_LIMIT_HEADERS,
  type RateLimits,
  rateLimitHeaders,
} from "./rateLimitMiddleware.ts";
import { identifyRequests } from "./requestId.ts";
import { redirectTrailingSlash } from "./trailingSlash.ts";
import { boundUrlLength } from "./urlLength.ts";

export interface MiddlewareOptions {
  /** Creates the id that a request is logged under. */
  readonly newRequestId: () => string;
  /** Milliseconds of a monotonic clock. */
  readonly elapsed: () => number;
  readonly observers?: readonly RequestObserver[];
  /** Absent when requests are not limited. */
  readonly rateLimits?: RateLimits | undefined;
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies?: readonly AddressRange[];
}

/** The response headers that scripts of other origins may read. */
export const EXPOSED_HEADERS = [
  ...FRESHNESS_HEADERS,
  ...RATE_LIMIT_HEADERS,
  "ETag",
  "Date",
  "Link",
  "Retry-After",
  "X-Request-Id",
].join(",");

export function useMiddleware(app: ApiApp, options: MiddlewareOptions): void {
  const { newRequestId, elapsed, observers = [], rateLimits, trustedProxies = [] } = options;
  const clientOf = createClientLookup(trustedProxies);
  const pageBudget = createPageBudget();
  const answerPreflight = cors({
    origin: "*",
    allowMethods: ["GET", "HEAD", "POST", "OPTIONS"],
    maxAge: 86_400,
  });

  app.use(identifyRequests(newRequestId));
  app.use(observeRequests(observers, clientOf, elapsed));
  app.use(async (context, next) => {
    const outgoing = connectionOf(context)?.outgoing;
    if (outgoing !== undefined) {
      context.set("closeConnection", () => outgoing.destroy());
      context.set("pageBudget", pageBudget);
    }
    const fairnessKey = fairnessKeyOf(context, clientOf(context));
    if (fairnessKey !== undefined) context.set("fairnessKey", fairnessKey);
    await next();
    // Set on the response: headers that are set before there is one would have to be copied into it.
    const { headers } = context.res;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Access-Control-Allow-Origin", "*");
    headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
  });
  app.use(compression());
  // Every request that gets here is counted, whatever its answer.
  if (rateLimits !== undefined) app.use(rateLimitHeaders, enforceRateLimits(rateLimits, clientOf, elapsed));
  app.on("OPTIONS", "*", (context, next) =>
    isPreflight(context.req.raw) ? answerPreflight(context, next) : next(),
  );
  app.use(boundUrlLength);
  app.use(redirectTrailingSlash());
  app.use(requireAllowedMethod(app));
}

/** The HTTP application, without a port: `app.request()` is enough to use it. */
import type { Context } from "hono";
import { cors } from "hono/cors";
import type { AddressRange } from "../config/addressRange.ts";
import { documentRoutes } from "./documents/documents.routes.ts";
import { ApiError, codeOf } from "./errors.ts";
import { graphqlRoutes } from "./graphql/graphql.routes.ts";
import { type Client, findClient } from "./http/clientAddress.ts";
import { compression } from "./http/compression.ts";
import { connectionOf } from "./http/connection.ts";
import { isPreflight, requireAllowedMethod } from "./http/methods.ts";
import { observeRequests, type RequestObserver } from "./http/observeRequests.ts";
import {
  enforceRateLimits,
  RATE_LIMIT_HEADERS,
  type RateLimits,
  rateLimitHeaders,
} from "./http/rateLimitMiddleware.ts";
import { identifyRequests } from "./http/requestId.ts";
import { redirectTrailingSlash } from "./http/trailingSlash.ts";
import { boundUrlLength } from "./http/urlLength.ts";
import { FRESHNESS_HEADERS, setFreshness } from "./queries/state/asOf.ts";
import { freshnessOfNothing } from "./queries/state/freshness.ts";
import type { ApiService } from "./queries/state/service.ts";
import { createPageBudget } from "./rest/pageBudget.ts";
import { problemResponse } from "./rest/problem.ts";
import type { RequestContext } from "./rest/request.ts";
import { ApiApp } from "./rest/route.ts";
import { restRoutes } from "./rest/routes.ts";
import type { Snapshots } from "./snapshot/snapshots.ts";
import type { EventStream } from "./stream/eventStream.ts";

export interface AppOptions extends ApiService {
  readonly snapshots: Snapshots;
  readonly stream: EventStream;
  /** Makes a seed nobody can foresee. */
  readonly newSeed: () => string;
  /** Makes the id that a request is logged under. */
  readonly newRequestId: () => string;
  /** Milliseconds of a clock that only goes forward. */
  readonly elapsed: () => number;
  /** Told of every request. */
  readonly observers?: readonly RequestObserver[];
  /** Absent: everybody may ask as much as they like. */
  readonly rateLimits?: RateLimits | undefined;
  /** Whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly AddressRange[];
}

/** What scripts of other origins may read of an answer. */
export const EXPOSED_HEADERS = [
  ...FRESHNESS_HEADERS,
  ...RATE_LIMIT_HEADERS,
  "ETag",
  "Date",
  "Link",
  "Retry-After",
  "X-Request-Id",
].join(",");

/** Everything around the routes, the outermost first. */
function surround(app: ApiApp, options: AppOptions): void {
  const { newRequestId, elapsed, observers = [], rateLimits, trustedProxies = [] } = options;
  const clients = new WeakMap<Context, Client | null>();
  const clientOf = (context: Context): Client | null => {
    const known = clients.get(context);
    if (known !== undefined) return known;
    const client = findClient(
      connectionOf(context)?.incoming.socket.remoteAddress,
      context.req.header("X-Forwarded-For"),
      trustedProxies,
    );
    clients.set(context, client);
    return client;
  };
  const allowMethods = cors({
    origin: "*",
    allowMethods: ["GET", "HEAD", "POST", "OPTIONS"],
    maxAge: 86_400,
  });

  /** Clients on this machine may be a proxy that we were not told of: each of its connections counts for itself. */
  const shareKeyOf = (context: Context): string | undefined => {
    const client = clientOf(context);
    if (client === null || !client.loopback) return client?.key;
    return `${client.key} ${connectionOf(context)?.incoming.socket.remotePort}`;
  };

  const pages = createPageBudget();

  app.use(identifyRequests(newRequestId));
  app.use(observeRequests(observers, clientOf, elapsed));
  app.use(async (context, next) => {
    const outgoing = connectionOf(context)?.outgoing;
    if (outgoing !== undefined) {
      context.set("cut", () => outgoing.destroy());
      context.set("keptPages", pages);
    }
    const shareKey = shareKeyOf(context);
    if (shareKey !== undefined) context.set("shareKey", shareKey);
    await next();
    // Set once there is an answer: headers that are set before would have to be copied into another one.
    const { headers } = context.res;
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Access-Control-Allow-Origin", "*");
    headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
  });
  app.use(compression());
  // Whatever comes further in is counted, however it is answered.
  if (rateLimits !== undefined) app.use(rateLimitHeaders, enforceRateLimits(rateLimits, clientOf, elapsed));
  app.on("OPTIONS", "*", (context, next) =>
    isPreflight(context.req.raw) ? allowMethods(context, next) : next(),
  );
  app.use(boundUrlLength);
  app.use(redirectTrailingSlash());
  app.use(requireAllowedMethod(app));
}

export function createApp(options: AppOptions): ApiApp {
  const { log, clock } = options;
  const app = new ApiApp();
  surround(app, options);

  const refuse = (error: unknown, context: RequestContext): Response => {
    const { path } = context.req;
    context.set("refusal", codeOf(error));
    const response = problemResponse(error, { path, requestId: context.get("requestId") }, log);
    const freshness = context.get("freshness") ?? freshnessOfNothing(options);
    setFreshness(response.headers, freshness, clock());
    return response;
  };
  app.notFound((context) => {
    const { path } = context.req;
    const error = new ApiError(
      "route-not-found",
      `${path} is not a path of this API; /docs and /openapi.json show all of them`,
    );
    return refuse(error, context);
  });
  app.onError(refuse);

  restRoutes(app, options);
  graphqlRoutes(app, options);
  documentRoutes(app, options.settings.version);
  return app;
}

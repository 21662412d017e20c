/** Tells of every request when it is over: for the log and the metrics. */
import type { Context, Env } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { Log } from "../../config/log.ts";
import type { Client } from "./clientAddress.ts";
import { connectionOf } from "./connection.ts";
import { targetOf } from "./target.ts";

export interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  /** As registered: `/v1/nodes/:teeId`. Null when no route answered. */
  readonly route: string | null;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  readonly ms: number;
  readonly client: string | null;
  /** Whether the answer was received to its end, as far as the connection tells. */
  readonly outcome: "sent" | "cut";
}

export interface RequestObserver {
  readonly begun: () => void;
  readonly ended: (request: ObservedRequest) => void;
}

const LONGEST_TARGET = 500;

const routeOf = (context: Context): string | null =>
  matchedRoutes(context).findLast(({ method }) => method !== "ALL")?.path ?? null;

/** @param now - milliseconds of a clock that only goes forward. */
export const observeRequests = <E extends Env & { Variables: { requestId: string } }>(
  observers: readonly RequestObserver[],
  clientOf: (context: Context) => Client | null,
  now: () => number,
) =>
  createMiddleware<E>(async (context, next) => {
    const begun = now();
    const outgoing = connectionOf(context)?.outgoing;
    for (const observer of observers) observer.begun();
    const end = (outcome: ObservedRequest["outcome"]) => {
      const request: ObservedRequest = {
        requestId: context.get("requestId"),
        method: context.req.method,
        route: routeOf(context),
        target: targetOf(context.req.url).slice(0, LONGEST_TARGET),
        status: context.res.status,
        ms: Math.round(10 * (now() - begun)) / 10,
        client: clientOf(context)?.address ?? null,
        outcome,
      };
      for (const observer of observers) observer.ended(request);
    };
    outgoing?.once("close", () => end(outgoing.writableFinished ? "sent" : "cut"));
    await next();
    if (outgoing === undefined) end("sent");
  });

/** Asked every few seconds by whoever watches us. */
const PROBES = new Set(["/health", "/ready"]);

/** One line per request. */
export const accessLog = (log: Log): RequestObserver => ({
  begun: () => {},
  ended: ({ outcome, ...request }) => {
    const level = request.route !== null && PROBES.has(request.route) ? "debug" : "info";
    log[level]("request", outcome === "cut" ? { ...request, outcome } : { ...request });
  },
});

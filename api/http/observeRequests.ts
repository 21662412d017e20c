/** Reports every request to observers, such as the access log and the metrics. */
import type { Context, Env } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { ErrorCode } from "../errors.ts";
import type { Client } from "./clientAddress.ts";
import { connectionOf } from "./connection.ts";
import { targetOf } from "./requestTarget.ts";

export interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  /** As registered: `/v1/nodes/:teeId`. Null when no route matched. */
  readonly route: string | null;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  /** Why the request was refused; null for answers and for unexpected failures. */
  readonly code: ErrorCode | null;
  /** Until the last byte. */
  readonly ms: number;
  /** Until the first byte: streams and walks over all pages last long without being slow. */
  readonly begunAfterMs: number;
  readonly client: string | null;
  /** Whether the whole response was sent before the connection closed. */
  readonly outcome: "sent" | "cut";
}

export interface RequestObserver {
  readonly started: () => void;
  readonly ended: (request: ObservedRequest) => void;
}

const MAX_TARGET_LENGTH = 500;

/** Middleware is registered for all paths, and is no route. */
const routeOf = (context: Context): string | null =>
  matchedRoutes(context).findLast(({ method, path }) => method !== "ALL" && path !== "/*")?.path ?? null;

const sinceMs = (begun: number, now: number): number => Math.round(10 * (now - begun)) / 10;

/** @param now - milliseconds of a monotonic clock. */
export const observeRequests = <
  E extends Env & { Variables: { requestId: string; refusal?: ErrorCode | undefined } },
>(
  observers: readonly RequestObserver[],
  clientOf: (context: Context) => Client | null,
  now: () => number,
) =>
  createMiddleware<E>(async (context, next) => {
    const begun = now();
    const outgoing = connectionOf(context)?.outgoing;
    for (const observer of observers) observer.started();
    let begunAfterMs: number | undefined;
    const end = (outcome: ObservedRequest["outcome"]) => {
      const request: ObservedRequest = {
        requestId: context.get("requestId"),
        method: context.req.method,
        route: routeOf(context),
        target: targetOf(context.req.url).slice(0, MAX_TARGET_LENGTH),
        status: context.res.status,
        code: context.get("refusal") ?? null,
        ms: sinceMs(begun, now()),
        // A client that left before the response began waited until it left.
        begunAfterMs: begunAfterMs ?? sinceMs(begun, now()),
        client: clientOf(context)?.address ?? null,
        outcome,
      };
      for (const observer of observers) observer.ended(request);
    };
    outgoing?.once("close", () => end(outgoing.writableFinished ? "sent" : "cut"));
    await next();
    begunAfterMs = sinceMs(begun, now());
    if (outgoing === undefined) end("sent");
  });

/** Tells of every request when it is over: for the log and the metrics. */
import type { Context, Env } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { Log } from "../../config/log.ts";
import type { ErrorCode } from "../errors.ts";
import type { Client } from "./clientAddress.ts";
import { connectionOf } from "./connection.ts";
import { targetOf } from "./requestTarget.ts";

export interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  /** As registered: `/v1/nodes/:teeId`. Null when no route answered. */
  readonly route: string | null;
  /** Path and query. */
  readonly target: string;
  readonly status: number;
  /** Why the whole of it was refused; null for answers, and for what nobody foresaw. */
  readonly code: ErrorCode | null;
  /** Until the last byte, and until the answer began: streams and walks over all pages last long without being slow. */
  readonly ms: number;
  readonly begunAfterMs: number;
  readonly client: string | null;
  /** Whether the answer was received to its end, as far as the connection tells. */
  readonly outcome: "sent" | "cut";
}

export interface RequestObserver {
  readonly begun: () => void;
  readonly ended: (request: ObservedRequest) => void;
}

const MAX_TARGET_LENGTH = 500;

const routeOf = (context: Context): string | null =>
  matchedRoutes(context).findLast(({ method }) => method !== "ALL")?.path ?? null;

const sinceMs = (begun: number, now: number): number => Math.round(10 * (now - begun)) / 10;

/** @param now - milliseconds of a clock that only goes forward. */
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
    for (const observer of observers) observer.begun();
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
        // Who left before the answer began waited until then.
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

/** Whoever watches us asks these every few seconds, and is told of a failure by the answer. */
const PROBES = new Set(["/health", "/ready"]);
/** Nothing within the limits takes so long on an idle machine. */
const SLOW_MS = 1_000;

/** What an operator wants to see by default is failures; the rest is there when asked for. */
function levelOf({ route, status, code, begunAfterMs }: ObservedRequest): "debug" | "info" | "warn" {
  if (route !== null && PROBES.has(route)) return "debug";
  // How old an answer may be is the caller's to say: nothing failed.
  if (status >= 500 && code !== "stale") return "warn";
  return begunAfterMs >= SLOW_MS ? "info" : "debug";
}

/** One line per request. */
export const accessLog = (log: Log): RequestObserver => ({
  begun: () => {},
  ended: (request) => {
    const { outcome, code, ...told } = request;
    const refused = code === null ? {} : { code };
    log[levelOf(request)]("request", { ...told, ...refused, ...(outcome === "cut" && { outcome }) });
  },
});

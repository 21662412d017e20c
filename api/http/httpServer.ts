/** The HTTP server below the application: what connections may cost, what is said to those that speak no HTTP, and the end. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "../../config/log.ts";
import { ApiError, type ErrorCode } from "../errors.ts";
import type { Lifetime } from "../queries/state/service.ts";
import { problemOf, problemResponse } from "../rest/problem.ts";
import { inTurn } from "./inTurn.ts";
import { MIN_BYTES, PACE_WINDOW_MS, Pace, type PaceOptions } from "./pace.ts";

/** A client that trickles its request in is not waited for. */
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
/** Longer than proxies keep idle connections, so that they never send a request into one that is being closed. */
const KEEP_ALIVE_MS = 65_000;
/** A connection that moves nothing in either direction: longer than any statement takes. */
const IDLE_MS = 60_000;
/** URLs beyond our own limit still arrive, to be told so. */
const HEADER_BYTES = 32 * 1_024;
const CHECK_EVERY_MS = 1_000;

/** What could not end within the grace has so long to say so. */
const LAST_WORDS_MS = 500;

export interface HttpServer {
  readonly server: Server;
  /** Lets nobody new in, waits for what was begun, and resolves when every connection is closed. */
  readonly stop: () => Promise<void>;
}

export interface ServerOptions {
  readonly fetch: Parameters<typeof getRequestListener>[0];
  readonly lifetime: StoppableLifetime;
  readonly newRequestId: () => string;
  readonly log: Log;
  /** What was begun when it is stopped gets so long to end by itself. */
  readonly graceMs: number;
  readonly headersWithinMs?: number;
  readonly idleMs?: number;
  /** What a client has to take of that which waits for it. */
  readonly pace?: PaceOptions;
}

/** The lifetime of a process, for who ends it. */
export class StoppableLifetime implements Lifetime {
  readonly #stopping = new AbortController();
  readonly #timeUp = new AbortController();
  readonly stopping = this.#stopping.signal;
  readonly timeUp = this.#timeUp.signal;

  stop(): void {
    this.#stopping.abort();
  }

  end(): void {
    this.#timeUp.abort();
  }
}

export function createHttpServer(options: ServerOptions): HttpServer {
  const { fetch, lifetime, newRequestId, log, graceMs } = options;
  const { headersWithinMs = HEADERS_WITHIN_MS, idleMs = IDLE_MS } = options;
  const { pace = { windowMs: PACE_WINDOW_MS, leastBytes: MIN_BYTES } } = options;
  const listener = getRequestListener(fetch, {
    // Requests that are none, as with a host that is none: the application never sees them.
    errorHandler: (error) => {
      const foreseen = error instanceof Error && error.name === "RequestError";
      const shown = foreseen ? new ApiError("malformed-request", describe(error)) : error;
      return problemResponse(shown, { path: "/", requestId: newRequestId() }, log);
    },
  });
  /** By connection, the answers that were begun on it, in the order of the requests. */
  const underWay = new Map<Duplex, Set<ServerResponse>>();
  const answer = inTurn((request, response) => void listener(request, response));
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: headersWithinMs,
      requestTimeout: Math.max(REQUEST_WITHIN_MS, headersWithinMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(CHECK_EVERY_MS, headersWithinMs),
    },
    (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      underWay.get(socket)?.add(response);
      response.once("close", () => {
        underWay.get(socket)?.delete(response);
        if (lifetime.stopping.aborted) server.closeIdleConnections();
      });
      if (lifetime.stopping.aborted) response.setHeader("Connection", "close");
      answer(request, response);
    },
  );
  server.setTimeout(idleMs);
  const paces = new Pace(pace);
  const looks = setInterval(
    () => {
      const now = performance.now();
      for (const socket of underWay.keys()) if (paces.isTooSlow(socket, now)) socket.destroy();
    },
    Math.min(CHECK_EVERY_MS, pace.windowMs),
  );
  looks.unref();
  server.once("close", () => clearInterval(looks));
  server.on("connection", (socket: Socket) => {
    underWay.set(socket, new Set());
    socket.once("close", () => {
      // Node tells the answer that is being sent. Those to pipelined requests, which wait behind it, are told here: else
      // whatever makes them would never end.
      process.nextTick(() => {
        for (const response of underWay.get(socket) ?? []) {
          response.destroy();
          response.emit("close");
        }
        underWay.delete(socket);
      });
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // In the middle of an answer there is no place for another one.
    if (!socket.writable || (underWay.get(socket)?.size ?? 0) > 0) return socket.destroy();
    const code = CLIENT_ERRORS[error.code ?? ""] ?? "malformed-request";
    const place = { path: "/", requestId: newRequestId() };
    const { status, body } = problemOf(new ApiError(code, describe(error)), place, log);
    socket.end(rawResponse(status, JSON.stringify(body)));
  });

  return {
    server,
    stop: async () => {
      lifetime.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      // Connections in reserve, as browsers open them, are not idle to Node: it waits for their first request.
      for (const socket of underWay.keys()) if (isUnused(socket)) socket.destroy();
      const timers = [
        setTimeout(() => lifetime.end(), graceMs),
        setTimeout(() => server.closeAllConnections(), graceMs + LAST_WORDS_MS),
      ];
      await closed;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

const isUnused = (socket: Duplex): boolean => socket instanceof Socket && socket.bytesRead === 0;

/** What Node says of requests that it cannot read. */
const CLIENT_ERRORS: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

const describe = (error: unknown): string =>
  error instanceof Error && error.message !== "" ? `${error.message}.` : "It cannot be read as HTTP.";

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

const rawResponse = (status: number, body: string): string =>
  [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ""}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    "",
    body,
  ].join("\r\n");

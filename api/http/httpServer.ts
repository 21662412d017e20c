/** The HTTP server below the application: limits on connections, pipelining, malformed requests, and a graceful shutdown. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "../../config/log.ts";
import { problemResponse } from "../rest/problem.ts";
import type { StoppableLifetime } from "./lifetime.ts";
import { malformedRequest, refuseMalformed } from "./malformedRequests.ts";
import { serializePipelined } from "./pipelining.ts";
import { SlowReaderDetector, THROUGHPUT_FLOOR, type ThroughputFloor } from "./slowReaders.ts";

/** How long a client may take to send its request. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than proxies keep idle connections, so that none sends a request into a connection that is being closed. */
const KEEP_ALIVE_MS = 65_000;
/** How long a connection may be silent in both directions: longer than any statement takes. */
const IDLE_TIMEOUT_MS = 60_000;
/** Above our own limit on URLs, so that a URL that is too long gets an answer that says so. */
const MAX_HEADER_BYTES = 32 * 1_024;
const CHECK_INTERVAL_MS = 1_000;
/** How long requests that outlast the grace period have to send a last error. */
const FINAL_WRITE_MS = 500;

export interface HttpServer {
  readonly server: Server;
  /** Accepts no new connections, waits for requests in flight, and resolves when every connection is closed. */
  readonly stop: () => Promise<void>;
}

export interface ServerOptions {
  readonly fetch: Parameters<typeof getRequestListener>[0];
  readonly lifetime: StoppableLifetime;
  readonly newRequestId: () => string;
  readonly log: Log;
  /** How long requests in flight may take to finish once the server is stopped. */
  readonly graceMs: number;
  readonly headersTimeoutMs?: number;
  readonly idleTimeoutMs?: number;
  readonly minThroughput?: ThroughputFloor;
}

/** By connection, the responses in flight on it, in the order of their requests. */
type InFlight = Map<Duplex, Set<ServerResponse>>;

export function createHttpServer(options: ServerOptions): HttpServer {
  const { fetch, lifetime, newRequestId, log, graceMs } = options;
  const { headersTimeoutMs = HEADERS_TIMEOUT_MS, idleTimeoutMs = IDLE_TIMEOUT_MS } = options;
  const listener = getRequestListener(fetch, {
    // The application never sees a request that cannot be converted, such as one with an invalid host.
    errorHandler: (error) => {
      const isExpected = error instanceof Error && error.name === "RequestError";
      const shown = isExpected ? malformedRequest(error) : error;
      return problemResponse(shown, { path: "/", requestId: newRequestId() }, log);
    },
  });
  const inFlight: InFlight = new Map();
  const answer = serializePipelined((request, response) => void listener(request, response));
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: headersTimeoutMs,
      requestTimeout: Math.max(REQUEST_TIMEOUT_MS, headersTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, headersTimeoutMs),
    },
    (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      inFlight.get(socket)?.add(response);
      response.once("close", () => {
        inFlight.get(socket)?.delete(response);
        if (lifetime.stopping.aborted) server.closeIdleConnections();
      });
      if (lifetime.stopping.aborted) response.setHeader("Connection", "close");
      answer(request, response);
    },
  );
  server.setTimeout(idleTimeoutMs);
  trackConnections(server, inFlight);
  disconnectSlowReaders(server, inFlight, options.minThroughput ?? THROUGHPUT_FLOOR);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // In the middle of a response there is no room for another one.
    if (!socket.writable || (inFlight.get(socket)?.size ?? 0) > 0) return socket.destroy();
    refuseMalformed(socket, error, { requestId: newRequestId(), log });
  });

  return {
    server,
    stop: async () => {
      lifetime.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      // Browsers open spare connections. Node does not count them as idle and would wait for their first request.
      for (const socket of inFlight.keys()) if (isUnused(socket)) socket.destroy();
      const timers = [
        setTimeout(() => lifetime.end(), graceMs),
        setTimeout(() => server.closeAllConnections(), graceMs + FINAL_WRITE_MS),
      ];
      await closed;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function trackConnections(server: Server, inFlight: InFlight): void {
  server.on("connection", (socket: Socket) => {
    inFlight.set(socket, new Set());
    socket.once("close", () => {
      // Node closes only the response that is being sent. Responses to pipelined requests, which wait behind it, are closed here;
      // otherwise whatever produces them would never end.
      process.nextTick(() => {
        for (const response of inFlight.get(socket) ?? []) {
          response.destroy();
          response.emit("close");
        }
        inFlight.delete(socket);
      });
    });
  });
}

function disconnectSlowReaders(server: Server, inFlight: InFlight, floor: ThroughputFloor): void {
  const detector = new SlowReaderDetector(floor);
  const check = () => {
    const now = performance.now();
    for (const socket of inFlight.keys()) if (detector.isTooSlow(socket, now)) socket.destroy();
  };
  const checks = setInterval(check, Math.min(CHECK_INTERVAL_MS, floor.windowMs));
  checks.unref();
  server.once("close", () => clearInterval(checks));
}

const isUnused = (socket: Duplex): boolean => socket instanceof Socket && socket.bytesRead === 0;

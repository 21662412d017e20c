/** `/graphql`: GraphQL over HTTP by GET and POST, GraphiQL for browsers. */
import type { Hono } from "hono";
import { Abandoned, ApiError } from "../errors.ts";
import { type AsOf, setFreshness } from "../queries/asOf.ts";
import { cacheControl } from "../queries/caching.ts";
import { createGraphEndpoint } from "./endpoint.ts";
import { shownError, toGraphError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { GraphService } from "./graphService.ts";

interface Variables {
  Variables: { requestId: string; asOf: AsOf | undefined; cut?: () => void; countedClient?: string };
}

export const GRAPHQL_PATH = "/graphql";
/** Of the URL: the request's own of GraphQL over HTTP, and ours. */
const PARAMETERS = ["query", "variables", "operationName", "extensions", "maxLag"];

/** @throws {ApiError} `invalid-parameter` for what `/graphql` has no use for. */
function readParameters(
  given: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).map(([parameter, values]) => {
      const [value = "", ...others] = values;
      const rule = PARAMETERS.includes(parameter)
        ? "given once"
        : `no such parameter here; there are ${PARAMETERS.join(", ")}`;
      if (others.length > 0 || !PARAMETERS.includes(parameter))
        throw new ApiError("invalid-parameter", `${parameter.slice(0, 200)}: ${rule}`, {
          parameter: parameter.slice(0, 200),
          value: values.join(",").slice(0, 200),
          rule,
        });
      return [parameter, value];
    }),
  );
}

const wantsPage = (request: Request): boolean => (request.headers.get("Accept") ?? "").includes("text/html");

export function graphqlRoutes<E extends Variables>(app: Hono<E>, service: GraphService): void {
  const endpoint = createGraphEndpoint(service);
  app.on(["GET", "POST"], GRAPHQL_PATH, async (context) => {
    const requestId = context.get("requestId");
    // HEAD is answered as GET is, and its body left out by whoever sends it.
    const { raw } = context.req;
    const request = raw.method === "HEAD" ? new Request(raw.url, { headers: raw.headers }) : raw;
    let parameters: Readonly<Record<string, string>>;
    try {
      parameters = wantsPage(request) ? {} : readParameters(context.req.queries());
    } catch (error) {
      const shown = shownError(toGraphError(error, { requestId, log: service.log }));
      return context.json({ errors: [shown] }, 400, { "Cache-Control": "no-store" });
    }
    const { maxLag, ...identity } = parameters;
    const cacheable =
      request.method === "POST" ? null : { identity, ifNoneMatch: context.req.header("If-None-Match") };
    const exchange: Exchange = {
      requestId,
      cacheable,
      maxLag,
      lastEventId: context.req.header("Last-Event-ID"),
      client: context.get("countedClient"),
      cut: context.get("cut"),
      signal: raw.signal,
      asOf: undefined,
      tag: null,
      mostLag: undefined,
      unchanged: false,
      abandoned: false,
      answers: null,
    };
    const response = await endpoint(request, exchange);
    // Nobody would read what a subscription tells.
    if (raw.method === "HEAD") exchange.answers?.close();
    if (exchange.abandoned) throw new Abandoned();
    return finished(response, exchange, service.clock());
  });
}

/** Adds what the answer's state says to its headers. */
function finished(response: Response, exchange: Exchange, nowMs: number): Response {
  const { asOf, tag, unchanged } = exchange;
  const headers = new Headers(response.headers);
  const kept = tag !== null && asOf !== undefined;
  headers.set("Cache-Control", kept ? cacheControl(asOf, nowMs, exchange.mostLag) : "no-store");
  // Compression is decided further out; a 304 has to say what the 200 said.
  headers.append("Vary", "Accept, Accept-Encoding");
  if (tag !== null) headers.set("ETag", tag);
  if (asOf !== undefined) setFreshness(headers, asOf, nowMs);
  if (!unchanged) return new Response(response.body, { status: response.status, headers });
  headers.delete("Content-Type");
  headers.delete("Content-Length");
  return new Response(null, { status: 304, headers });
}

/** `/graphql`: GraphQL over HTTP by GET and POST, GraphiQL for browsers. */
import type { Hono } from "hono";
import { Abandoned, ApiError, type ErrorCode } from "../errors.ts";
import type { Charge } from "../queries/reading/charge.ts";
import { type Freshness, setFreshness } from "../queries/state/asOf.ts";
import { cacheControl } from "../queries/state/cacheControl.ts";
import { freshnessOfNothing } from "../queries/state/freshness.ts";
import { createGraphEndpoint } from "./execution/endpoint.ts";
import type { GraphService } from "./execution/graphService.ts";
import { errorBody, toClientError } from "./execution/response/errors.ts";
import type { Exchange } from "./execution/response/exchange.ts";
import { MEDIA_TYPES, mediaTypeFor } from "./execution/response/mediaTypes.ts";
import { createGraphiqlPage } from "./graphiql/page.ts";
import { schema } from "./schema.ts";

interface Variables {
  Variables: {
    requestId: string;
    freshness: Freshness | undefined;
    refusal?: ErrorCode | undefined;
    closeConnection?: () => void;
    rateLimitKey?: string;
    fairnessKey?: string;
    charge?: Charge;
  };
}

const GRAPHQL_PATH = "/graphql";
/** Parameters of the URL: those of GraphQL over HTTP, and `maxLag`. */
const PARAMETERS = ["query", "variables", "operationName", "extensions", "maxLag"];

/** Parameters whose text is JSON. */
const JSON_PARAMETERS = ["variables", "extensions"];

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** The rule that a parameter of the URL breaks; null when it is valid. */
function brokenRule(parameter: string, [value = "", ...others]: readonly string[]): string | null {
  if (!PARAMETERS.includes(parameter)) return `no such parameter here; there are ${PARAMETERS.join(", ")}`;
  if (others.length > 0) return "given once";
  return JSON_PARAMETERS.includes(parameter) && value !== "" && !isObjectText(value) ? "a JSON object" : null;
}

/** @throws {ApiError} `invalid-parameter` for an unknown, repeated or malformed parameter. */
function readParameters(
  query: Readonly<Record<string, readonly string[]>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(query).map(([parameter, values]) => {
      const rule = brokenRule(parameter, values);
      if (rule === null) return [parameter, values[0] ?? ""];
      throw new ApiError("invalid-parameter", `${parameter.slice(0, 200)}: ${rule}`, {
        parameter: parameter.slice(0, 200),
        value: values.join(",").slice(0, 200),
        rule,
      });
    }),
  );
}

function unreadableBody({ headers }: Request): ApiError {
  const type = headers.get("Content-Type")?.slice(0, 200) ?? "none";
  return new ApiError("invalid-query", `Content-Type: "${type}": send the operation as application/json`);
}

const wantsPage = ({ method, headers }: Request): boolean =>
  method === "GET" && (headers.get("Accept") ?? "").includes("text/html");

export function graphqlRoutes<E extends Variables>(app: Hono<E>, service: GraphService): void {
  const endpoint = createGraphEndpoint(schema, service);
  const graphiqlPage = createGraphiqlPage();
  app.on(["GET", "POST"], GRAPHQL_PATH, async (context) => {
    const requestId = context.get("requestId");
    // HEAD is answered like GET; the server leaves the body out.
    const { raw } = context.req;
    const request = raw.method === "HEAD" ? new Request(raw.url, { headers: raw.headers }) : raw;
    if (wantsPage(request)) return graphiqlPage(request);
    const accept = request.headers.get("Accept") ?? undefined;
    if (mediaTypeFor(accept) === null)
      throw new ApiError(
        "not-acceptable",
        `Accept: "${accept?.slice(0, 200)}": there are ${MEDIA_TYPES.join(", ")}`,
      );
    const refuse = (error: unknown, status: 400 | 415) => {
      const body = errorBody(toClientError(error, { requestId, log: service.log }));
      const response = context.json({ errors: [body] }, status, { "Cache-Control": "no-store" });
      setFreshness(response.headers, freshnessOfNothing(service), service.clock());
      return response;
    };
    let parameters: Readonly<Record<string, string>>;
    try {
      parameters = readParameters(context.req.queries());
    } catch (error) {
      return refuse(error, 400);
    }
    const { maxLag, ...identity } = parameters;
    const cacheable =
      request.method === "POST" ? null : { identity, ifNoneMatch: context.req.header("If-None-Match") };
    const exchange: Exchange = {
      requestId,
      cacheable,
      maxLag,
      lastEventId: context.req.header("Last-Event-ID"),
      rateLimitKey: context.get("rateLimitKey"),
      fairnessKey: context.get("fairnessKey"),
      charge: context.get("charge"),
      closeConnection: context.get("closeConnection"),
      signal: raw.signal,
      asOf: undefined,
      freshness: undefined,
      refusal: undefined,
      tag: null,
      maxLagSeconds: undefined,
      unchanged: false,
      abandoned: false,
      answers: null,
    };
    const response = await endpoint(request, exchange);
    context.set("refusal", exchange.refusal);
    // graphql-yoga answers with an empty body, which says nothing about what to do.
    if (response.status === 415) return refuse(unreadableBody(request), 415);
    // Nobody would read a subscription's events.
    if (raw.method === "HEAD") exchange.answers?.close();
    if (exchange.abandoned) throw new Abandoned();
    return withStateHeaders(response, exchange, service);
  });
}

/** Adds the headers that follow from the answer's state. */
function withStateHeaders(response: Response, exchange: Exchange, service: GraphService): Response {
  const { asOf, freshness = freshnessOfNothing(service), tag, unchanged } = exchange;
  const nowMs = service.clock();
  const headers = new Headers(response.headers);
  const cacheable = tag !== null && asOf !== undefined;
  headers.set("Cache-Control", cacheable ? cacheControl(asOf, nowMs, exchange.maxLagSeconds) : "no-store");
  // Compression is decided further out; a 304 must have the same Vary as the 200.
  headers.append("Vary", "Accept, Accept-Encoding");
  if (tag !== null) headers.set("ETag", tag);
  setFreshness(headers, freshness, nowMs);
  if (!unchanged) return new Response(response.body, { status: response.status, headers });
  headers.delete("Content-Type");
  headers.delete("Content-Length");
  return new Response(null, { status: 304, headers });
}

/** Writes an operation's result as an HTTP response: media type, status, and a body of bounded length. */
import type { ExecutionResult } from "graphql";
import type { Log } from "../../../../config/log.ts";
import { codeOf } from "../../../errors.ts";
import { EVENT_STREAM_HEADERS, EVENT_STREAM_TYPE } from "../../../stream/serverSentEvents.ts";
import { toClientError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { type MediaType, mediaTypeFor } from "./mediaTypes.ts";
import { resultJson } from "./resultJson.ts";

/**
 * The status of a request that was refused as a whole, by its errors; otherwise 200.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-application-json: an invalid operation is answered with 200
 * there.
 */
function statusOf({ errors = [], data }: ExecutionResult, type: MediaType): number {
  if (data != null) return 200;
  const statuses = errors
    .map(({ extensions: { http } }) => http)
    .filter((http) => http?.status !== undefined && !(type === "application/json" && http.spec))
    .map((http) => http?.status ?? 200);
  return Math.max(200, ...statuses);
}

const headersOf = ({ errors = [] }: ExecutionResult): Readonly<Record<string, string>> =>
  Object.assign({}, ...errors.map(({ extensions: { http } }) => http?.headers ?? {}));

/** A single answer as one event and the end of the stream, for clients that accept nothing but events. */
const asEvents = (json: string): string => `event: next\ndata: ${json}\n\nevent: complete\ndata:\n\n`;

/** @param result - with errors that clients may see. */
export function respond(
  result: ExecutionResult,
  exchange: Exchange,
  {
    accept,
    maxBytes,
    log,
  }: { readonly accept: string | undefined; readonly maxBytes: number; readonly log: Log },
): Response {
  // A client that accepts no available type was refused before.
  const type = mediaTypeFor(accept) ?? "application/json";
  const takesEvents = accept?.includes(EVENT_STREAM_TYPE) === true;
  try {
    const json = resultJson(result, maxBytes);
    // A refusal is followed by no event, so it gets a status and a plain body.
    const refused = result.errors !== undefined && result.data == null;
    if (type === EVENT_STREAM_TYPE && !refused)
      return new Response(asEvents(json), { headers: EVENT_STREAM_HEADERS });
    return new Response(json, {
      status: statusOf(result, takesEvents ? EVENT_STREAM_TYPE : type),
      headers: {
        ...headersOf(result),
        "Content-Type": `${type === EVENT_STREAM_TYPE ? "application/json" : type}; charset=utf-8`,
      },
    });
  } catch (error) {
    if (codeOf(error) !== "answer-too-large") throw error;
    exchange.tag = null;
    exchange.refusal = codeOf(error);
    const refusal = toClientError(error, { requestId: exchange.requestId, log });
    return respond({ errors: [refusal] }, exchange, { accept, maxBytes: Number.POSITIVE_INFINITY, log });
  }
}

/** An operation's result as an HTTP response: media type, status and a body that is no longer than it may be. */
import type { ExecutionResult } from "graphql";
import type { Log } from "../../../../config/log.ts";
import { codeOf } from "../../../errors.ts";
import { EVENT_STREAM_HEADERS, EVENT_STREAM_TYPE } from "../../../stream/serverSentEvents.ts";
import type { Exchange } from "../exchange.ts";
import { toGraphError } from "./errors.ts";
import { type MediaType, mediaTypeFor } from "./mediaTypes.ts";
import { resultJson } from "./resultJson.ts";

/**
 * Of a request that was refused as a whole, by its errors; else 200.
 * @see https://graphql.github.io/graphql-over-http/draft/#sec-application-json: what is wrong with an operation is no
 * error of HTTP's there.
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

/** The one event and the end of an answer that is no stream, for clients that take nothing but events. */
const asEvents = (json: string): string => `event: next\ndata: ${json}\n\nevent: complete\ndata:\n\n`;

/** @param result - its errors fit for the caller. */
export function respond(
  result: ExecutionResult,
  exchange: Exchange,
  {
    accept,
    maxBytes,
    log,
  }: { readonly accept: string | undefined; readonly maxBytes: number; readonly log: Log },
): Response {
  // Whoever takes nothing that there is was refused before.
  const type = mediaTypeFor(accept) ?? "application/json";
  const takesEvents = accept?.includes(EVENT_STREAM_TYPE) === true;
  try {
    const json = resultJson(result, maxBytes);
    // Where no event will follow, a client wants a status and a body that it can read as a whole.
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
    const refusal = toGraphError(error, { requestId: exchange.requestId, log });
    return respond({ errors: [refusal] }, exchange, { accept, maxBytes: Number.POSITIVE_INFINITY, log });
  }
}

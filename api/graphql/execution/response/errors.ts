/** The one place that maps errors to GraphQL: codes as in REST, and nothing of what nobody foresaw. */

import { type ExecutionResult, GraphQLError, type GraphQLHTTPErrorExtensions } from "graphql";
import type { Log } from "../../../../config/log.ts";
import { ApiError, ERROR_KINDS, type ErrorCode, isAbandoned } from "../../../errors.ts";
import { MAX_ERROR_LENGTH, MAX_ERRORS } from "../limits/limits.ts";

interface Where {
  readonly requestId: string;
  readonly log: Log;
}

/** HTTP's part is only for refusals of whole requests: an answer with some fields missing is still one. */
function httpOf(code: ErrorCode, retryAfterSeconds: number | undefined): GraphQLHTTPErrorExtensions {
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  return { status: ERROR_KINDS[code].status, headers };
}

/** Clients of persisted queries wait for these. */
const isOfProtocol = (code: unknown): boolean =>
  typeof code === "string" && code.startsWith("PERSISTED_QUERY_");

/** The server's word for what is no GraphQL request; it would have it a 200 at times, and name methods that are all right. */
const NO_REQUEST = "BAD_REQUEST";

/** A request whose document, operation or variables are wrong: 400, but for `application/json`, where it is 200. */
const OF_OPERATION: GraphQLHTTPErrorExtensions = { status: 400, spec: true };

/** @param http - as the server would have it. */
function httpOfGrammar(code: unknown, http: GraphQLHTTPErrorExtensions | undefined) {
  if (isOfProtocol(code)) return http;
  if (http === undefined || http.status === undefined || http.status === 400)
    return code === NO_REQUEST ? { status: 400 } : OF_OPERATION;
  return code === NO_REQUEST ? { status: http.status } : http;
}

const originOf = (error: unknown): unknown =>
  error instanceof GraphQLError && error.originalError != null ? originOf(error.originalError) : error;

/**
 * @param error - of a field, located by its path, or of the whole request.
 * @returns what the caller may know; the rest is logged under the request's id.
 */
export function toGraphError(error: unknown, where: Where): GraphQLError {
  if (error instanceof GraphQLError && fit.has(error)) return error;
  const graphError = map(error, where);
  fit.add(graphError);
  return graphError;
}

/**
 * A result whose errors are fit for the caller. One mistake can be met for each item of every list: `errorsOmitted` in the
 * answer's extensions is how many are not told.
 */
export function withFitErrors(result: ExecutionResult, where: Where): ExecutionResult {
  const { errors, extensions } = result;
  if (errors === undefined) return result;
  const omitted = errors.length - MAX_ERRORS;
  return {
    ...result,
    errors: errors.slice(0, MAX_ERRORS).map((error) => toGraphError(error, where)),
    ...(omitted > 0 ? { extensions: { ...extensions, errorsOmitted: omitted } } : {}),
  };
}

/** An error as an answer's JSON has it: without what is meant for its headers. */
export function shownError(error: GraphQLError) {
  const { extensions, ...rest } = error.toJSON();
  const { http: _, ...kept } = extensions ?? {};
  return { ...rest, extensions: kept };
}

/** Errors that went through here: the server passes them by again. */
const fit = new WeakSet<GraphQLError>();

function map(error: unknown, { requestId, log }: Where): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const place = {
    nodes: located?.nodes,
    source: located?.source,
    positions: located?.positions,
    path: located?.path,
  };
  const origin = originOf(error);
  const whole = located?.path === undefined;
  if (origin instanceof GraphQLError) {
    // The query's own fault, in GraphQL's words: they quote the query and the schema, nothing else.
    const { http, code } = origin.extensions;
    const kept = {
      code: isOfProtocol(code) ? code : "invalid-query",
      requestId,
      ...(whole ? { http: httpOfGrammar(code, http) } : {}),
    };
    // What is around it says which variable it is about.
    const message = (located?.message ?? origin.message).slice(0, MAX_ERROR_LENGTH);
    return new GraphQLError(message, { ...place, extensions: kept });
  }
  if (origin instanceof ApiError) {
    const { code, message, facts, retryAfterSeconds, cause } = origin;
    if (cause !== undefined) log.warn("request refused", { code, requestId, path: "/graphql", error: cause });
    return new GraphQLError(message, {
      ...place,
      extensions: {
        ...facts,
        code,
        requestId,
        ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        ...(whole ? { http: httpOf(code, retryAfterSeconds) } : {}),
      },
    });
  }
  // Nobody is there to be told of it.
  if (!isAbandoned(origin))
    log.error("request failed", {
      requestId,
      path: "/graphql",
      field: located?.path?.join("."),
      error: origin instanceof Error ? origin.stack : origin,
    });
  return new GraphQLError("Something went wrong here; the log has the rest under requestId.", {
    ...place,
    extensions: { code: "internal", requestId, ...(whole ? { http: httpOf("internal", undefined) } : {}) },
  });
}

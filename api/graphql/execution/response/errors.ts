/** The one place that maps errors to GraphQL: codes as in REST; details of unexpected errors go to the log only. */

import { type ExecutionResult, GraphQLError, type GraphQLHTTPErrorExtensions } from "graphql";
import type { Log } from "../../../../config/log.ts";
import { ApiError, ERROR_KINDS, type ErrorCode, isAbandoned } from "../../../errors.ts";
import { MAX_ERROR_LENGTH, MAX_ERRORS } from "../limits/limits.ts";

interface Where {
  readonly requestId: string;
  readonly log: Log;
}

/** Status and headers of a request that is refused as a whole; an answer with failed fields is still an answer. */
function httpOf(code: ErrorCode, retryAfterSeconds: number | undefined): GraphQLHTTPErrorExtensions {
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  return { status: ERROR_KINDS[code].status, headers };
}

/** Codes that clients of persisted queries act on. */
const isPersistedQueryCode = (code: unknown): boolean =>
  typeof code === "string" && code.startsWith("PERSISTED_QUERY_");

/** graphql-yoga's code for a malformed request. Its status (200 at times) and `Allow` header are wrong here. */
const MALFORMED_REQUEST = "BAD_REQUEST";

/** An invalid document, operation or variable: 400, or 200 where the answer is `application/json`. */
const INVALID_OPERATION: GraphQLHTTPErrorExtensions = { status: 400, spec: true };

/** @param http - what graphql-yoga would answer. */
function httpOfInvalidQuery(code: unknown, http: GraphQLHTTPErrorExtensions | undefined) {
  if (isPersistedQueryCode(code)) return http;
  if (http === undefined || http.status === undefined || http.status === 400)
    return code === MALFORMED_REQUEST ? { status: 400 } : INVALID_OPERATION;
  return code === MALFORMED_REQUEST ? { status: http.status } : http;
}

const originOf = (error: unknown): unknown =>
  error instanceof GraphQLError && error.originalError != null ? originOf(error.originalError) : error;

/**
 * @param error - of a field, located by its path, or of the whole request.
 * @returns the error as clients may see it; an unexpected one is logged under the request's id.
 */
export function toClientError(error: unknown, where: Where): GraphQLError {
  if (error instanceof GraphQLError && mapped.has(error)) return error;
  const graphError = map(error, where);
  mapped.add(graphError);
  return graphError;
}

/**
 * Maps a result's errors to those that clients may see, at most `MAX_ERRORS`: one mistake can repeat for each item of every
 * list. `extensions.errorsOmitted` counts the others.
 */
export function withClientErrors(result: ExecutionResult, where: Where): ExecutionResult {
  const { errors, extensions } = result;
  if (errors === undefined) return result;
  const omitted = errors.length - MAX_ERRORS;
  return {
    ...result,
    errors: errors.slice(0, MAX_ERRORS).map((error) => toClientError(error, where)),
    ...(omitted > 0 ? { extensions: { ...extensions, errorsOmitted: omitted } } : {}),
  };
}

/** An error as it appears in a body: without its status and headers. */
export function errorBody(error: GraphQLError) {
  const { extensions, ...rest } = error.toJSON();
  const { http: _, ...kept } = extensions ?? {};
  return { ...rest, extensions: kept };
}

/** Errors that are mapped already: graphql-yoga passes some of them through again. */
const mapped = new WeakSet<GraphQLError>();

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
    // An invalid query, in graphql-js's words: they quote the query and the schema, nothing else.
    const { http, code } = origin.extensions;
    const kept = {
      code: isPersistedQueryCode(code) ? code : "invalid-query",
      requestId,
      ...(whole ? { http: httpOfInvalidQuery(code, http) } : {}),
    };
    // The outer error names the variable.
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
  // The client of an abandoned request is gone.
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

/** The one place that maps errors to HTTP: RFC 9457 problem documents. */
import type { Log } from "../../config/log.ts";
import { ApiError, ERROR_KINDS, type ErrorCode, isAbandoned } from "../errors.ts";

interface Place {
  readonly path: string;
  readonly requestId: string;
}

/** A problem document with the HTTP that belongs to it. */
export interface Problem {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number | undefined;
}

/** nginx's word for it; only logs and metrics ever show it. */
const CLIENT_GONE = 499;

/** What the caller may know of an error; whatever is not an `ApiError` is logged, and the caller learns where to look. */
export function problemOf(error: unknown, place: Place, log: Log): Problem {
  const { requestId, path } = place;
  if (!(error instanceof ApiError)) {
    log.error("request failed", { requestId, path, error: error instanceof Error ? error.stack : error });
    return describe("internal", "See the log under requestId.", place);
  }
  const { code, message, facts, retryAfterSeconds, cause } = error;
  if (cause !== undefined) log.warn("request refused", { code, requestId, path, error: cause });
  return describe(code, message, place, listRefused(code, facts), retryAfterSeconds);
}

type Facts = Readonly<Record<string, unknown>>;

/** A single parameter that was refused is listed, as several are. */
function listRefused(code: ErrorCode, facts: Facts): Facts {
  if (code !== "invalid-parameter" || "errors" in facts) return facts;
  const { parameter, value = null, rule } = facts;
  return { ...facts, errors: [{ parameter, value, rule }] };
}

function describe(
  code: ErrorCode,
  detail: string,
  { path, requestId }: Place,
  facts: Facts = {},
  retryAfterSeconds?: number,
): Problem {
  const { status, title } = ERROR_KINDS[code];
  const body = {
    ...facts,
    type: `/docs/errors#${code}`,
    title,
    status,
    code,
    detail,
    instance: path,
    requestId,
  };
  return { status, body, retryAfterSeconds };
}

export const PROBLEM_TYPE = "application/problem+json";

/** The answer for an error. */
export function problemResponse(error: unknown, place: Place, log: Log): Response {
  if (isAbandoned(error)) return new Response(null, { status: CLIENT_GONE });
  const { status, body, retryAfterSeconds } = problemOf(error, place, log);
  const text = JSON.stringify(body);
  const headers = new Headers({
    "Content-Type": PROBLEM_TYPE,
    "Content-Length": String(Buffer.byteLength(text)),
    "Cache-Control": "no-store",
  });
  if (retryAfterSeconds !== undefined) headers.set("Retry-After", String(retryAfterSeconds));
  if (Array.isArray(body.allow)) headers.set("Allow", body.allow.join(", "));
  return new Response(text, { status, headers });
}

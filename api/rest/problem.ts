/** The one place that maps errors to HTTP: RFC 9457 problem documents. */
import type { Log } from "../../config/log.ts";
import { ApiError, ERROR_KINDS, type ErrorCode } from "../errors.ts";

interface Problem {
  readonly path: string;
  readonly requestId: string;
}

/** An answer for an error; whatever is not an `ApiError` is logged, and the caller learns no more than where to look. */
export function problemResponse(error: unknown, { path, requestId }: Problem, log: Log): Response {
  if (!(error instanceof ApiError)) {
    log.error("request failed", { requestId, path, error: error instanceof Error ? error.stack : error });
    return problem("internal", "See the log under requestId.", {}, undefined);
  }
  if (error.cause !== undefined)
    log.warn("request refused", { code: error.code, requestId, path, error: error.cause });
  return problem(error.code, error.message, error.facts, error.retryAfterSeconds);

  function problem(
    code: ErrorCode,
    detail: string,
    facts: Readonly<Record<string, unknown>>,
    retryAfterSeconds: number | undefined,
  ): Response {
    const { status, title } = ERROR_KINDS[code];
    const body = { type: `/docs/errors#${code}`, title, status, code, detail, instance: path, requestId };
    const headers = new Headers({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
    });
    if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
    if (status === 405) headers.set("allow", "GET, HEAD, OPTIONS");
    return new Response(JSON.stringify({ ...facts, ...body }), { status, headers });
  }
}

/** A page that explains every code; the problems' `type` points into it. */
export function errorsPage(): string {
  const entries = Object.entries(ERROR_KINDS).map(
    ([code, { status, title, help }]) =>
      `<h2 id="${code}">${code} <small>${status}</small></h2><p><b>${title}.</b> ${help.replace(/`([^`]+)`/g, "<code>$1</code>")}</p>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title><h1>Errors</h1>${entries.join("")}</html>`;
}

/** Answers to requests that Node cannot parse, written straight to the socket as problem documents. */
import type { Duplex } from "node:stream";
import type { Log } from "../../config/log.ts";
import { ApiError, type ErrorCode } from "../errors.ts";
import { problemOf } from "../rest/problem.ts";

/** Node's codes for them. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

const REASON_PHRASES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

/** The error for a request that cannot be read as HTTP. */
export const malformedRequest = (error: unknown, code: ErrorCode = "malformed-request"): ApiError =>
  new ApiError(
    code,
    error instanceof Error && error.message !== "" ? `${error.message}.` : "It cannot be read as HTTP.",
  );

/** Answers the request and closes its connection. */
export function refuseMalformed(
  socket: Duplex,
  error: NodeJS.ErrnoException,
  { requestId, log }: { readonly requestId: string; readonly log: Log },
): void {
  const refusal = malformedRequest(error, CODES[error.code ?? ""]);
  const { status, body } = problemOf(refusal, { path: "/", requestId }, log);
  socket.end(rawResponse(status, JSON.stringify(body)));
}

const rawResponse = (status: number, body: string): string =>
  [
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ""}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    "",
    body,
  ].join("\r\n");

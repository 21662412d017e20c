/** Compresses text responses, except event streams. */
import { Duplex } from "node:stream";
import { constants, createBrotliCompress } from "node:zlib";
import type { Context } from "hono";
import { every } from "hono/combine";
import { compress } from "hono/compress";
import { createMiddleware } from "hono/factory";
import { parseAccept } from "hono/utils/accept";
import { COMPRESSIBLE_CONTENT_TYPE_REGEX } from "hono/utils/compress";

/** A smaller response fits into one packet anyway. */
const THRESHOLD_BYTES = 1_024;
/** Faster than gzip at its default, and smaller. Brotli's own default, 11, is meant for static files. */
const BROTLI_QUALITY = 4;

/** `text/event-stream` is not among hono's types: compression would delay events. */
const isCompressible = (contentType: string): boolean =>
  contentType.startsWith("application/x-ndjson") || COMPRESSIBLE_CONTENT_TYPE_REGEX.test(contentType);

/** Whether a client prefers brotli at least as much as the encoding that hono would choose. */
function prefersBrotli(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const accepted = parseAccept(acceptEncoding);
  const qualityOf = (name: string) => accepted.find(({ type }) => type.toLowerCase() === name)?.q ?? 0;
  return qualityOf("br") > 0 && qualityOf("br") >= qualityOf("gzip");
}

const shouldCompress = ({ req, res: { status, body, headers } }: Context): boolean =>
  status !== 206 &&
  body !== null &&
  req.method !== "HEAD" &&
  !headers.has("Content-Encoding") &&
  Number(headers.get("Content-Length") ?? THRESHOLD_BYTES) >= THRESHOLD_BYTES &&
  isCompressible(headers.get("Content-Type") ?? "");

/** Brotli, which hono's middleware lacks. Skips responses that are encoded already, and sets `Vary`. */
const brotli = () =>
  createMiddleware(async (context, next) => {
    await next();
    if (!shouldCompress(context) || !prefersBrotli(context.req.header("Accept-Encoding"))) return;
    const { body } = context.res;
    if (body === null) return;
    const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
    // Node's web streams are the standard ones, but have types of their own.
    const encoder = Duplex.toWeb(createBrotliCompress({ params })) as unknown as ReadableWritablePair<
      Uint8Array<ArrayBuffer>,
      Uint8Array<ArrayBuffer>
    >;
    context.res = new Response(body.pipeThrough(encoder), context.res);
    context.res.headers.delete("Content-Length");
    context.res.headers.set("Content-Encoding", "br");
    if (!/accept-encoding/i.test(context.res.headers.get("Vary") ?? ""))
      context.res.headers.append("Vary", "Accept-Encoding");
  });

export const compression = () =>
  every(compress({ threshold: THRESHOLD_BYTES, contentTypeFilter: isCompressible }), brotli());

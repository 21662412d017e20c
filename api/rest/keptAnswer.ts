/** Answers whose entity tag is that of their bytes: they follow from the software, or from a clock. */
import type { Context } from "hono";
import { tagMatches, weakTag } from "../queries/state/asOf.ts";

export interface KeptAnswer {
  readonly body: string;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly tag: string;
}

/** @param cacheControl - value of the header; what may not be kept at all needs no tag. */
export const toKept = (body: string, contentType: string, cacheControl: string): KeptAnswer => ({
  body,
  contentType,
  cacheControl,
  tag: weakTag(body),
});

/** Answers with the body, or with 304 to who has it. */
export function answerKept(
  context: Context,
  { body, contentType, cacheControl, tag }: KeptAnswer,
  more?: Headers,
): Response {
  const headers = new Headers(more);
  headers.set("ETag", tag);
  headers.set("Cache-Control", cacheControl);
  // Compression is decided further out; a 304 has to say what the 200 said.
  headers.set("Vary", "Accept-Encoding");
  if (tagMatches(context.req.header("If-None-Match"), tag))
    return new Response(null, { status: 304, headers });
  headers.set("Content-Type", contentType);
  headers.set("Content-Length", String(Buffer.byteLength(body)));
  return new Response(body, { headers });
}

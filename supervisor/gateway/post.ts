/** POSTs over keep-alive connections, at less than half the cost of `fetch`, which a backfill pays per block. */
import http from "node:http";
import https from "node:https";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Response } from "./answer.ts";

/** Enough for Ponder's concurrency. */
const SOCKETS = 256;
const unzip = promisify(gunzip);

/** Thrown for an answer that is larger than allowed, compressed or not. */
export class TooLargeError extends Error {
  override readonly name = "TooLargeError";
}

export type Post = (body: string, signal: AbortSignal) => Promise<Response>;

/**
 * @param url - may have `user:password@` for basic authentication.
 * @param maxBytes - the limit for an answer's body.
 * @returns a function that does not follow redirects. It rejects when there is no connection, when the answer is truncated
 *   or too large, and when `signal` aborts, even while the answer arrives.
 */
export function createPost(url: string, maxBytes: number): { post: Post; close: () => void } {
  const target = new URL(url);
  const { request, Agent } = target.protocol === "https:" ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS, scheduling: "lifo" });
  const tooLarge = () => new TooLargeError(`the answer is larger than ${maxBytes} bytes`);

  const unpack = async (received: Buffer, encoding: string | undefined): Promise<Buffer> => {
    if (encoding !== "gzip") return received;
    try {
      return await unzip(received, { maxOutputLength: maxBytes });
    } catch (error) {
      throw error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"
        ? tooLarge()
        : error;
    }
  };

  const post: Post = (text, signal) =>
    new Promise((resolve, reject) => {
      const body = Buffer.from(text);
      const outgoing = request(
        target,
        {
          method: "POST",
          agent,
          signal,
          headers: {
            "content-type": "application/json",
            "content-length": body.length,
            accept: "application/json",
            "accept-encoding": "gzip",
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          incoming.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maxBytes) incoming.destroy(tooLarge());
            else chunks.push(chunk);
          });
          incoming.once("error", reject);
          incoming.once("end", () => {
            unpack(Buffer.concat(chunks), incoming.headers["content-encoding"]).then(
              (whole) =>
                resolve({
                  status: incoming.statusCode ?? 0,
                  retryAfter: incoming.headers["retry-after"] ?? null,
                  location: incoming.headers.location ?? null,
                  body: whole,
                }),
              reject,
            );
          });
        },
      );
      outgoing.once("error", reject);
      outgoing.end(body);
    });

  return { post, close: () => agent.destroy() };
}

/**
 * A small stand-in for Walrus: the paths of an aggregator and a publisher over a folder of files. Ids are
 * content-addressed (SHA-256, base64url, 43 characters); Walrus uses another hash of the same shape.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { closeServer, listen } from "./listen.ts";

const BLOB_ID = /^[A-Za-z0-9_-]{43}$/;
const MAX_BLOB_BYTES = 16 * 1024 * 1024;

/** The id a blob will have, whether or not it is ever stored. */
export const blobId = (content: Uint8Array): string =>
  createHash("sha256").update(content).digest("base64url");

/** The folder itself, for callers in the same process. */
export class BlobFiles {
  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  /** Stores a blob unless it is there. @returns its id. */
  put(content: Uint8Array): string {
    const id = blobId(content);
    const file = join(this.directory, id);
    if (!existsSync(file)) {
      // the rename is atomic, so readers never see half a blob
      writeFileSync(`${file}.draft`, content);
      renameSync(`${file}.draft`, file);
    }
    return id;
  }

  get(id: string): Buffer | undefined {
    const file = join(this.directory, id);
    return BLOB_ID.test(id) && existsSync(file) ? readFileSync(file) : undefined;
  }
}

export interface BlobStore {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves `GET`, `HEAD /v1/blobs/:id` and `PUT /v1/blobs` on loopback. @param port - 0 takes a free one. */
export async function serveBlobs(files: BlobFiles, port: number): Promise<BlobStore> {
  const server = createServer((incoming, response) => {
    respond(files, incoming, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      answerJson(response, 500, { error: { code: 500, status: "INTERNAL", message: String(error) } });
    });
  });
  const url = await listen(server, port);
  return { url, stop: () => closeServer(server) };
}

async function respond(files: BlobFiles, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (incoming.url ?? "/").split("?")[0] ?? "/";
  if (incoming.method === "PUT" && path === "/v1/blobs") {
    const content = await readBody(incoming);
    if (!content)
      return answerJson(response, 413, {
        error: { code: 413, status: "TOO_LARGE", message: "blob too large" },
      });
    const id = files.put(content);
    return answerJson(response, 200, { newlyCreated: { blobObject: { blobId: id, size: content.length } } });
  }
  const content = path.startsWith("/v1/blobs/") ? files.get(path.slice("/v1/blobs/".length)) : undefined;
  if ((incoming.method !== "GET" && incoming.method !== "HEAD") || !content)
    return answerJson(response, 404, {
      error: { code: 404, status: "NOT_FOUND", message: "the requested blob id does not exist" },
    });
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": content.length,
    "cache-control": "public, max-age=86400, immutable",
  });
  response.end(incoming.method === "HEAD" ? undefined : content);
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Undefined when the body is longer than a blob may be. */
async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    length += chunk.length;
    if (length > MAX_BLOB_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Serves single JSON-RPC requests over HTTP on the loopback interface, to programs on this machine. Web pages in a browser on
 * this machine can reach it too, so anything that only a browser would send is refused: an `Origin`, a foreign `Host` (DNS
 * rebinding), a content type that needs no preflight.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { RpcError, RpcRequest } from "./jsonRpc.ts";

/** Ponder's largest filters, with all their addresses and topics, are a few kilobytes. */
const MAX_REQUEST_BYTES = 256 * 1024;
/** Several times Ponder's concurrency. */
const MAX_CONCURRENT_REQUESTS = 256;
const RECEIVE_WITHIN_MS = 10_000;
const LOOPBACK = "127.0.0.1";

export interface LoopbackServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const refusalOf = ({ method, headers }: http.IncomingMessage, port: number): Refusal | undefined => {
  const hosts = [LOOPBACK, "localhost", "[::1]"].map((name) => `${name}:${port}`);
  if (!hosts.includes(headers.host?.toLowerCase() ?? ""))
    return new Refusal(403, `Host: "${headers.host ?? ""}" is not this gateway; use http://${hosts[0]}`);
  if (headers.origin !== undefined)
    return new Refusal(403, `Origin: "${headers.origin}" is refused; web pages have no access`);
  if (method !== "POST") return new Refusal(405, `${method} is not allowed; use POST`);
  const [type] = (headers["content-type"] ?? "").split(";");
  if (type?.trim().toLowerCase() !== "application/json")
    return new Refusal(415, `Content-Type: "${type}" is not supported; use application/json`);
  if (Number(headers["content-length"] ?? 0) > MAX_REQUEST_BYTES) return tooLarge();
  return undefined;
};

const tooLarge = () => new Refusal(413, `the request is larger than ${MAX_REQUEST_BYTES} bytes`);

async function receive(incoming: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // a stream without an encoding yields buffers
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_REQUEST_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @param respond - the whole answer with id 1, or an error. It does not throw. */
export async function startLoopbackServer(
  port: number,
  respond: (request: RpcRequest) => Promise<Buffer | RpcError>,
): Promise<LoopbackServer> {
  let running = 0;
  const answer = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const refusal = refusalOf(incoming, bound);
    if (refusal !== undefined) throw refusal;
    if (running >= MAX_CONCURRENT_REQUESTS)
      throw new Refusal(503, `more than ${MAX_CONCURRENT_REQUESTS} concurrent requests; ask again`);
    running += 1;
    try {
      const { id, request } = parseRequest(await receive(incoming));
      send(outgoing, 200, id, request === undefined ? INVALID : await respond(request));
    } finally {
      running -= 1;
    }
  };
  const server = http.createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: Error) => {
      const status = error instanceof Refusal ? error.status : 400;
      // do not read the rest of the request
      if (!incoming.complete) outgoing.setHeader("connection", "close");
      send(outgoing, status, null, { code: -32600, message: error.message });
    });
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = RECEIVE_WITHIN_MS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, LOOPBACK, resolve);
  });
  const { port: bound } = server.address() as AddressInfo; // it listens on TCP, not on a pipe
  return {
    url: `http://${LOOPBACK}:${bound}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const INVALID: RpcError = { code: -32600, message: "the body is not a single JSON-RPC request" };

function send(outgoing: http.ServerResponse, status: number, id: unknown, reply: Buffer | RpcError): void {
  outgoing.writeHead(status, { "content-type": "application/json" });
  outgoing.end(
    Buffer.isBuffer(reply) ? withId(reply, id) : JSON.stringify({ jsonrpc: "2.0", id, error: reply }),
  );
}

function parseRequest(body: Buffer): { id: unknown; request: RpcRequest | undefined } {
  try {
    const { id, method, params } = JSON.parse(body.toString()) as Record<string, unknown>; // null throws, as intended
    const given = params ?? [];
    if (typeof method !== "string" || !Array.isArray(given)) return { id: id ?? null, request: undefined };
    return { id: id ?? null, request: { method, params: given } };
  } catch {
    return { id: null, request: undefined };
  }
}

const USUAL_PREFIX = Buffer.from('{"jsonrpc":"2.0","id":1,');

/** Replaces the id 1 that upstreams were asked with by the caller's id. */
function withId(body: Buffer, id: unknown): Buffer {
  if (id === 1) return body;
  if (body.subarray(0, USUAL_PREFIX.length).equals(USUAL_PREFIX))
    return Buffer.concat([
      Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},`),
      body.subarray(USUAL_PREFIX.length),
    ]);
  const reply: object = JSON.parse(body.toString());
  return Buffer.from(JSON.stringify({ ...reply, id }));
}

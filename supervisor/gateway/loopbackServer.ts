/**
 * HTTP for one JSON-RPC request at a time, on the loopback interface, for programs on this machine. A page in a
 * browser on this machine can reach it too, so what only a browser would send is refused: an `Origin`, another
 * `Host` (a name that someone made resolve to this machine), a content type that needs no permission.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { RpcError, RpcRequest } from "./jsonRpc.ts";

/** A filter names some addresses and topics; Ponder's largest is some kilobytes. */
const MAX_REQUEST_BYTES = 256 * 1024;
/** Several times Ponder's concurrency. */
const MAX_REQUESTS_AT_ONCE = 256;
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
    return new Refusal(403, `Host: "${headers.host ?? ""}" is not this gateway; it is http://${hosts[0]}`);
  if (headers.origin !== undefined)
    return new Refusal(403, `Origin: "${headers.origin}" is refused; web pages have no access`);
  if (method !== "POST") return new Refusal(405, `${method}: the gateway takes POST`);
  const [type] = (headers["content-type"] ?? "").split(";");
  if (type?.trim().toLowerCase() !== "application/json")
    return new Refusal(415, `Content-Type: "${type}" is not application/json`);
  if (Number(headers["content-length"] ?? 0) > MAX_REQUEST_BYTES) return tooLarge();
  return undefined;
};

const tooLarge = () => new Refusal(413, `the request is larger than ${MAX_REQUEST_BYTES} bytes`);

async function receive(incoming: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
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
  let atOnce = 0;
  const answer = async (incoming: http.IncomingMessage, outgoing: http.ServerResponse): Promise<void> => {
    const refusal = refusalOf(incoming, bound);
    if (refusal !== undefined) throw refusal;
    if (atOnce >= MAX_REQUESTS_AT_ONCE)
      throw new Refusal(503, `more than ${MAX_REQUESTS_AT_ONCE} requests at once; ask again`);
    atOnce += 1;
    try {
      const { id, request } = parseRequest(await receive(incoming));
      send(outgoing, 200, id, request === undefined ? INVALID : await respond(request));
    } finally {
      atOnce -= 1;
    }
  };
  const server = http.createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: Error) => {
      const status = error instanceof Refusal ? error.status : 400;
      // what else it sends is of no interest
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
  const { port: bound } = server.address() as AddressInfo; // listening on a host, so not a pipe
  return {
    url: `http://${LOOPBACK}:${bound}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const INVALID: RpcError = { code: -32600, message: "one JSON-RPC request is expected" };

function send(outgoing: http.ServerResponse, status: number, id: unknown, reply: Buffer | RpcError): void {
  outgoing.writeHead(status, { "content-type": "application/json" });
  outgoing.end(
    Buffer.isBuffer(reply) ? withId(reply, id) : JSON.stringify({ jsonrpc: "2.0", id, error: reply }),
  );
}

function parseRequest(body: Buffer): { id: unknown; request: RpcRequest | undefined } {
  try {
    const { id, method, params } = JSON.parse(body.toString()) as Record<string, unknown>;
    if (typeof method !== "string" || !Array.isArray(params ?? []))
      return { id: id ?? null, request: undefined };
    return { id: id ?? null, request: { method, params: (params as unknown[] | undefined) ?? [] } };
  } catch {
    return { id: null, request: undefined };
  }
}

const USUAL_BEGINNING = Buffer.from('{"jsonrpc":"2.0","id":1,');

/** The upstream was asked with id 1; the caller expects its own. */
function withId(body: Buffer, id: unknown): Buffer {
  if (id === 1) return body;
  if (body.subarray(0, USUAL_BEGINNING.length).equals(USUAL_BEGINNING))
    return Buffer.concat([
      Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},`),
      body.subarray(USUAL_BEGINNING.length),
    ]);
  return Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), id }));
}

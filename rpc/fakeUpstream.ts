/** A scripted JSON-RPC endpoint on the loopback interface, for tests. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { RpcError, RpcRequest } from "./jsonRpc.ts";

/** What to do with one request: answer, fail, cut the connection, or never answer. */
export type Reaction =
  | { readonly result: unknown }
  | { readonly error: RpcError }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
  | "drop"
  | "hang";

export interface FakeUpstream {
  readonly url: string;
  /** Every request received, in order. */
  readonly requests: RpcRequest[];
  /** Replaces the script. */
  react: (request: RpcRequest) => Reaction | Promise<Reaction>;
  /** How many requests of one method came. */
  readonly count: (method: string) => number;
  readonly stop: () => Promise<void>;
}

/** Answers eth_chainId with `chainId` and everything else by `react`. */
export async function startFakeUpstream(
  react: FakeUpstream["react"],
  chainId = 10740,
  port = 0,
): Promise<FakeUpstream> {
  const requests: RpcRequest[] = [];
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as RpcRequest & {
      id: number;
    };
    const request = { method, params };
    requests.push(request);
    const reaction =
      method === "eth_chainId" ? { result: `0x${chainId.toString(16)}` } : await fake.react(request);
    if (reaction === "drop") incoming.socket.destroy();
    else if (reaction === "hang") return;
    else if ("status" in reaction) {
      outgoing.writeHead(reaction.status, reaction.headers);
      outgoing.end(reaction.body ?? "refused");
    } else outgoing.end(JSON.stringify({ jsonrpc: "2.0", id, ...reaction }));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const fake: FakeUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on a host
    requests,
    react,
    count: (method) => requests.filter((request) => request.method === method).length,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

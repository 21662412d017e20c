/** A JSON-RPC endpoint with one registry and one node, for tests. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "viem";

export interface RegistryRpc {
  readonly url: string;
  /** What `getTEE` answers; undefined for a revert. */
  record: Hex | undefined;
  head: number;
  readonly stop: () => Promise<void>;
}

const quantity = (n: number) => `0x${n.toString(16)}`;

export async function startRegistryRpc(chainId: number): Promise<RegistryRpc> {
  const reply = (method: string): object => {
    if (method === "eth_chainId") return { result: quantity(chainId) };
    if (method === "eth_getBlockByNumber")
      return {
        result: {
          number: quantity(rpc.head),
          hash: `0x${rpc.head.toString(16).padStart(64, "0")}`,
          timestamp: quantity(1000 + rpc.head),
          transactions: [],
        },
      };
    if (method === "eth_call" && rpc.record !== undefined) return { result: rpc.record };
    return { error: { code: 3, message: "execution reverted" } };
  };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as { id: number; method: string };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...reply(method) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const rpc: RegistryRpc = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on a host
    record: undefined,
    head: 100,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return rpc;
}

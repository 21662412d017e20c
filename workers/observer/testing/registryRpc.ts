/** A JSON-RPC endpoint that serves one registry, for tests. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "viem";

export interface RegistryRpc {
  readonly url: string;
  /** What `getTEE` answers; undefined for a revert. */
  record: Hex | undefined;
  /** Overrides `record` per node. */
  readonly records: Map<Hex, Hex>;
  /** Nodes, and "address calldata" calls to other contracts, that fail for now. */
  readonly broken: Set<string>;
  /** The nodes that were requested, in order. */
  asked: Hex[];
  head: number;
  /** What other contracts answer, by "address calldata"; undefined for a revert. */
  readonly contracts: Map<string, Hex | undefined>;
  readonly stop: () => Promise<void>;
}

const quantity = (n: number) => `0x${n.toString(16)}`;

export async function startRegistryRpc(chainId: number): Promise<RegistryRpc> {
  const recordOf = (call: { to: Hex; data: Hex }): object => {
    const name = `${call.to} ${call.data}`;
    if (rpc.broken.has(name)) return { error: { code: -32000, message: "missing trie node" } };
    if (rpc.contracts.has(name)) {
      const answer = rpc.contracts.get(name);
      return answer === undefined
        ? { error: { code: 3, message: "execution reverted" } }
        : { result: answer };
    }
    const teeId: Hex = `0x${call.data.slice(-64)}`; // the only argument
    rpc.asked.push(teeId);
    if (rpc.broken.has(teeId)) return { error: { code: -32000, message: "missing trie node" } };
    const result = rpc.records.get(teeId) ?? rpc.record;
    return result === undefined ? { error: { code: 3, message: "execution reverted" } } : { result };
  };
  const reply = (method: string, params: readonly unknown[]): object => {
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
    if (method === "eth_call") return recordOf(params[0] as { to: Hex; data: Hex }); // as the method is defined
    return { error: { code: -32601, message: "method not found" } };
  };
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer); // no encoding was set
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
      id: number;
      method: string;
      params: readonly unknown[];
    }; // only viem asks
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...reply(method, params) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const rpc: RegistryRpc = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on a host
    record: undefined,
    records: new Map(),
    broken: new Set(),
    asked: [],
    head: 100,
    contracts: new Map(),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return rpc;
}

/** A scripted JSON-RPC endpoint on the loopback interface, for tests. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { RpcError, RpcRequest } from "../jsonRpc.ts";

/** What to do with one request: answer, fail, cut the connection, or never answer. */
export type Reaction =
  | { readonly result: unknown }
  | { readonly error: RpcError }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
  | "drop"
  | "hang"
  /** Sends a byte every 20 ms and never ends. */
  | "drip";

export interface FakeUpstream {
  readonly url: string;
  /** Every request received, in order. */
  readonly requests: RpcRequest[];
  /** Replaces the script. `exchange` counts HTTP requests: a batch is one. */
  react: (request: RpcRequest, exchange: number) => Reaction | Promise<Reaction>;
  chainId: number;
  /** How many batches were received; their members are among the requests. */
  batches: number;
  /** When set, the answer to every batch. */
  refusesBatches: object | undefined;
  /** How many requests of one method were received. */
  readonly count: (method: string) => number;
  readonly stop: () => Promise<void>;
}

type Asked = RpcRequest & { readonly id: number };

/** Answers eth_chainId with `chainId`, and everything else through `react`. */
export async function startFakeUpstream(
  react: FakeUpstream["react"],
  chainId = 10740,
  port = 0,
): Promise<FakeUpstream> {
  const requests: RpcRequest[] = [];
  let exchanges = 0;
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer); // no encoding was set
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked | Asked[]; // only the gateway asks
    const exchange = exchanges++;
    const reactTo = async ({ method, params }: Asked): Promise<Reaction> => {
      requests.push({ method, params });
      return method === "eth_chainId"
        ? { result: `0x${fake.chainId.toString(16)}` }
        : await fake.react({ method, params }, exchange);
    };
    if (Array.isArray(asked)) {
      fake.batches += 1;
      if (fake.refusesBatches !== undefined) return outgoing.end(JSON.stringify(fake.refusesBatches));
    }
    const reactions = await Promise.all([asked].flat().map(reactTo));
    const members = reactions.map((reaction, index) => ({
      jsonrpc: "2.0",
      id: [asked].flat()[index]?.id,
      ...(typeof reaction === "string" ? {} : reaction),
    }));
    const reaction = reactions.find((one) => typeof one === "string" || "status" in one);
    if (reaction === undefined) outgoing.end(JSON.stringify(Array.isArray(asked) ? members : members[0]));
    else if (reaction === "drop") incoming.socket.destroy();
    else if (reaction === "hang") return;
    else if (reaction === "drip") {
      const timer = setInterval(() => outgoing.write(" "), 20);
      outgoing.once("close", () => clearInterval(timer));
    } else if ("status" in reaction) {
      outgoing.writeHead(reaction.status, reaction.headers);
      outgoing.end(reaction.body ?? "refused");
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const fake: FakeUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on a host
    requests,
    react,
    chainId,
    batches: 0,
    refusesBatches: undefined,
    count: (method) => requests.filter((request) => request.method === method).length,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

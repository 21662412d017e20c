/** A fake chain for scripted endpoints: every block has a hash, and two logs of two addresses. */

import type { RpcRequest } from "../jsonRpc.ts";
import type { Reaction } from "./fakeUpstream.ts";

export const hex = (n: number): string => `0x${n.toString(16)}`;

/** @param fork - blocks of another fork have other hashes. */
export const hashOf = (n: number, fork = 0): string => `0x${fork}${n.toString(16).padStart(63, "0")}`;
const numberIn = (hash: string) => Number(`0x${hash.slice(3)}`);

export const ADDRESS = "0x00000000000000000000000000000000000000aa";
const OTHER_ADDRESS = "0x00000000000000000000000000000000000000bb";
const TOPIC = `0x${"1".repeat(64)}`;

const blockAt = (n: number, fork: number, forkedAt: number) => ({
  number: hex(n),
  hash: hashOf(n, n >= forkedAt ? fork : 0),
  parentHash: hashOf(n - 1, n - 1 >= forkedAt ? fork : 0),
  timestamp: hex(1_700_000_000 + 2 * n),
  transactions: [],
});

export const logAt = (n: number) => ({
  address: ADDRESS,
  topics: [TOPIC],
  data: "0x",
  blockNumber: hex(n),
  blockHash: hashOf(n),
  removed: false,
});

interface LogFilter {
  readonly fromBlock?: string;
  readonly toBlock?: string;
  readonly blockHash?: string;
  readonly address?: string;
}

export interface FakeNode {
  head: number;
  /** From `forkedAt` on, blocks are another fork's. */
  readonly fork?: number;
  readonly forkedAt?: number;
}

/** Answers like a node whose head is `node.head`: it has no logs of later blocks. */
export function reactAs(node: FakeNode, { method, params }: RpcRequest): Reaction {
  const { head, fork = 0, forkedAt = Number.POSITIVE_INFINITY } = node;
  const blockOf = (n: number) => (n > head ? null : blockAt(n, fork, forkedAt));
  switch (method) {
    case "eth_blockNumber":
      return { result: hex(head) };
    case "eth_getBlockByNumber":
      return { result: blockOf(params[0] === "latest" ? head : Number(params[0])) };
    case "eth_getBlockByHash":
      return { result: blockOf(numberIn(String(params[0]))) };
    case "eth_getLogs": {
      const filter = params[0] as LogFilter; // what tests and the gateway send
      const from = filter.blockHash === undefined ? Number(filter.fromBlock) : numberIn(filter.blockHash);
      const to = filter.blockHash === undefined ? Number(filter.toBlock) : from;
      if (filter.blockHash !== undefined && from > head)
        return { error: { code: -32000, message: "unknown block" } };
      const numbers = Array.from({ length: Math.max(0, Math.min(to, head) - from + 1) }, (_, i) => from + i);
      const logs = numbers.flatMap((n) => [logAt(n), { ...logAt(n), address: OTHER_ADDRESS }]);
      return {
        result: logs.filter((log) => filter.address === undefined || log.address === filter.address),
      };
    }
    default:
      return { error: { code: -32601, message: `the method ${method} does not exist/is not available` } };
  }
}

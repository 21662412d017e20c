/** Splitting eth_getLogs over a range into pieces, and joining their answers. */
import { type BlockRange, blockRange, type RpcRequest } from "./jsonRpc.ts";

/** How many blocks a range has. */
export const blocksIn = ({ from, to }: BlockRange): number => to - from + 1;

/** The same request for another range. */
function withRange(request: RpcRequest, { from, to }: BlockRange): RpcRequest {
  const [filter, ...rest] = request.params as [object, ...unknown[]]; // it has a range, so it is a filter
  const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
  return { method: request.method, params: [{ ...filter, ...range }, ...rest] };
}

/** The same request in pieces of at most `blocks` blocks, in order. */
export function splitRange(request: RpcRequest, blocks: number): RpcRequest[] {
  const range = blockRange(request);
  if (range === undefined) return [request];
  const pieces: RpcRequest[] = [];
  for (let from = range.from; from <= range.to; from += blocks)
    pieces.push(withRange(request, { from, to: Math.min(range.to, from + blocks - 1) }));
  return pieces;
}

/** The same request as the part up to `last` and the rest. */
export function splitAfter(request: RpcRequest, last: number): RpcRequest[] {
  const range = blockRange(request);
  if (range === undefined || last < range.from || last >= range.to) return [request];
  return [
    withRange(request, { from: range.from, to: last }),
    withRange(request, { from: last + 1, to: range.to }),
  ];
}

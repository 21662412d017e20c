/** Splits an eth_getLogs request into requests for smaller ranges. */
import { type BlockRange, blockRange, type RpcRequest } from "./jsonRpc.ts";

/** The number of blocks in a range. */
export const blocksIn = ({ from, to }: BlockRange): number => to - from + 1;

/** The same request for another range. */
function withRange(request: RpcRequest, { from, to }: BlockRange): RpcRequest {
  const [filter, ...rest] = request.params as [object, ...unknown[]]; // `blockRange` found its filter
  const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
  return { method: request.method, params: [{ ...filter, ...range }, ...rest] };
}

/** Splits a request into requests of at most `blocks` blocks, in order. */
export function splitRange(request: RpcRequest, blocks: number): RpcRequest[] {
  const range = blockRange(request);
  if (range === undefined) return [request];
  const pieces: RpcRequest[] = [];
  for (let from = range.from; from <= range.to; from += blocks)
    pieces.push(withRange(request, { from, to: Math.min(range.to, from + blocks - 1) }));
  return pieces;
}

/** Splits a request in two, after block `last`. */
export function splitAfter(request: RpcRequest, last: number): RpcRequest[] {
  const range = blockRange(request);
  if (range === undefined || last < range.from || last >= range.to) return [request];
  return [
    withRange(request, { from: range.from, to: last }),
    withRange(request, { from: last + 1, to: range.to }),
  ];
}

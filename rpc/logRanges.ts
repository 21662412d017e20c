/** eth_getLogs over ranges that an endpoint refuses as a whole. */
import type { RpcRequest } from "./jsonRpc.ts";

/** The blocks a request spans, both ends included; undefined when it names a block hash or a tag. */
export function blockRange({ params }: RpcRequest): { from: number; to: number } | undefined {
  const filter = params[0] as { fromBlock?: unknown; toBlock?: unknown } | undefined;
  const from = toBlockNumber(filter?.fromBlock);
  const to = toBlockNumber(filter?.toBlock);
  return from === undefined || to === undefined || to < from ? undefined : { from, to };
}

/** A hex quantity; undefined for tags. */
export function toBlockNumber(value: unknown): number | undefined {
  return typeof value === "string" && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : undefined;
}

/** The same request in pieces of at most `blocks` blocks, in order. */
export function splitRange(request: RpcRequest, blocks: number): RpcRequest[] {
  const range = blockRange(request);
  if (range === undefined) return [request];
  const [filter, ...rest] = request.params as [object, ...unknown[]]; // it has a range, so it is a filter
  const pieces: RpcRequest[] = [];
  for (let from = range.from; from <= range.to; from += blocks)
    pieces.push({
      method: request.method,
      params: [
        {
          ...filter,
          fromBlock: `0x${from.toString(16)}`,
          toBlock: `0x${Math.min(range.to, from + blocks - 1).toString(16)}`,
        },
        ...rest,
      ],
    });
  return pieces;
}

/**
 * How many blocks to try after a range of `refused` blocks was refused.
 * @param suggested - the limit the endpoint named; some count the distance, some the blocks.
 */
export function smallerRange(refused: number, suggested: number | undefined): number {
  if (suggested !== undefined && suggested < refused) return suggested;
  if (suggested === refused) return refused - 1;
  return Math.floor(refused / 2);
}

/** Joins the answers to the pieces into one. */
export function joinResults(bodies: readonly Buffer[]): Buffer {
  const logs = bodies.flatMap((body) => (JSON.parse(body.toString()) as { result: unknown[] }).result);
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result: logs }));
}

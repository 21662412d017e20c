/**
 * Chooses the RPC endpoint that contracts are read from: of those that answer with the right chain id, the first that is not
 * behind the index. A call that fails there goes to the next one.
 */
import {
  type Address,
  BaseError,
  createPublicClient,
  fallback,
  type Hex,
  http,
  keccak256,
  type PublicClient,
} from "viem";
import { decodeTeeRecord, encodeGetTee, type TeeRecord } from "../../abis/teeRecord.ts";
import type { ChainSettings } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { redactUrl } from "../../config/redact.ts";

const TIMEOUT_MS = 10_000;
/** Per call; a node whose record could not be read is retried separately (retries.ts). */
const RETRIES = 1;
/** A head further than this ahead of the index and of every other endpoint is not trusted, unless it is the only one. */
const MAX_AHEAD_BLOCKS = 2_048;

/** Thrown when no configured RPC is usable; the message says what is wrong with each. */
export class NoEndpointError extends Error {
  readonly code = "no-endpoint";
  override readonly name = "NoEndpointError";
}

export interface NodeKey {
  readonly registry: Address;
  readonly teeId: Hex;
}

export interface BlockPoint {
  readonly number: number;
  readonly hash: Hex;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** Reads the newest block. @throws when the answer is not a block. */
async function headOf(client: PublicClient): Promise<BlockPoint> {
  const block = await client.getBlock({ blockTag: "latest" });
  const point = { number: Number(block.number), hash: block.hash, timestamp: Number(block.timestamp) };
  if (!Number.isSafeInteger(point.number) || !Number.isSafeInteger(point.timestamp))
    throw new Error("the answer is not a block");
  return point;
}

interface Endpoint {
  readonly url: string;
  readonly head: BlockPoint;
}

const transportOf = (url: string) => http(url, { timeout: TIMEOUT_MS, retryCount: RETRIES });

/** @returns the endpoint, or what is wrong with it. */
async function probe(url: string, chain: ChainSettings): Promise<Endpoint | string> {
  const client = createPublicClient({ transport: transportOf(url) });
  try {
    const chainId = await client.getChainId();
    if (chainId !== chain.chainId)
      return `${redactUrl(url)} has chain id ${chainId}, expected ${chain.chainId}`;
    return { url, head: await headOf(client) };
  } catch {
    return `${redactUrl(url)} cannot be reached`;
  }
}

/**
 * Connects to the usable endpoints.
 * @param indexed - the newest indexed block that changed one of the nodes to read.
 * @returns a client, and the block to read records at.
 * @throws {NoEndpointError} when no endpoint is usable.
 */
export async function connect(
  chain: ChainSettings,
  urlVariable: string,
  indexed: number,
): Promise<{ readonly client: PublicClient; readonly block: BlockPoint }> {
  const probed = await Promise.all(chain.rpcUrls.map((url) => probe(url, chain)));
  const reachable = probed.filter((one) => typeof one !== "string");
  const isTrusted = ({ url, head }: Endpoint) =>
    reachable.length === 1 ||
    head.number <= indexed + MAX_AHEAD_BLOCKS ||
    reachable.some((other) => other.url !== url && head.number <= other.head.number + MAX_AHEAD_BLOCKS);
  const trusted = reachable.filter(isTrusted);
  const chosen = trusted.find(({ head }) => head.number >= indexed) ?? trusted[0];
  if (chosen === undefined)
    throw new NoEndpointError(
      `${urlVariable}: ${probed.filter((one) => typeof one === "string").join("; ")}`,
    );
  const others = trusted.filter(({ url, head }) => url !== chosen.url && head.number >= chosen.head.number);
  const transports = [chosen, ...others].map(({ url }) => transportOf(url));
  return { client: createPublicClient({ transport: fallback(transports) }), block: chosen.head };
}

/**
 * Reads one node's record as of `block`.
 * @returns undefined when the registry has no such record (the node was removed) or answers with another key's.
 * @throws when the RPC does not answer.
 */
export async function readRecord(
  client: PublicClient,
  node: NodeKey,
  block: BlockPoint,
  log: Log,
): Promise<TeeRecord | undefined> {
  let data: Hex | undefined;
  try {
    ({ data } = await client.call({
      to: node.registry,
      data: encodeGetTee(node.teeId),
      blockNumber: BigInt(block.number),
    }));
  } catch (error) {
    if (isRevert(error)) return undefined;
    throw error;
  }
  if (data === undefined) return undefined;
  try {
    const record = decodeTeeRecord(data);
    // a node's id is its key's hash, so any other answer is not its record
    return keccak256(record.publicKey) === node.teeId ? record : undefined;
  } catch (error) {
    log.warn(`node ${node.teeId} of registry ${node.registry}: its record has an unknown layout`, { error });
    return undefined;
  }
}

/** An error's message, without the URL and the request that viem's long messages contain. */
export const messageOf = (error: unknown): string =>
  error instanceof BaseError ? error.shortMessage : error instanceof Error ? error.message : String(error);

export const isRevert = (error: unknown): boolean =>
  error instanceof Error && /execution reverted|revert/i.test(error.message);

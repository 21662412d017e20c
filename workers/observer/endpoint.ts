/**
 * Reading contracts from the configured RPCs: of those that are there and of the right chain, from the first that is
 * not behind the index; what one cannot answer is asked of the next.
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
/** A node whose record could not be read is tried again by itself. */
const RETRIES = 1;
/** Farther beyond every other endpoint and the index, a head is not believed where there is another. */
const MAX_AHEAD_BLOCKS = 2_048;

/** Thrown when no configured RPC can be used now; the message tells each one's fault. */
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

/** The newest block. @throws when the endpoint answers with something else. */
async function headOf(client: PublicClient): Promise<BlockPoint> {
  const block = await client.getBlock({ blockTag: "latest" });
  const point = { number: Number(block.number), hash: block.hash, timestamp: Number(block.timestamp) };
  if (!Number.isSafeInteger(point.number) || !Number.isSafeInteger(point.timestamp))
    throw new Error("something else than a block");
  return point;
}

interface Endpoint {
  readonly url: string;
  readonly head: BlockPoint;
}

const transportOf = (url: string) => http(url, { timeout: TIMEOUT_MS, retryCount: RETRIES });

async function look(url: string, chain: ChainSettings): Promise<Endpoint | string> {
  const client = createPublicClient({ transport: transportOf(url) });
  try {
    const chainId = await client.getChainId();
    if (chainId !== chain.chainId)
      return `${redactUrl(url)} answers with chain id ${chainId} instead of ${chain.chainId}`;
    return { url, head: await headOf(client) };
  } catch {
    return `${redactUrl(url)} cannot be reached`;
  }
}

/**
 * Connects to the endpoints that can be used now.
 * @param indexed - the newest block that the index knows a wanted node by.
 * @returns a client, and the block that records are to be read at.
 * @throws {NoEndpointError} without one.
 */
export async function connect(
  chain: ChainSettings,
  urlVariable: string,
  indexed: number,
): Promise<{ readonly client: PublicClient; readonly block: BlockPoint }> {
  const looked = await Promise.all(chain.rpcUrls.map((url) => look(url, chain)));
  const there = looked.filter((one) => typeof one !== "string");
  const isBelieved = ({ url, head }: Endpoint) =>
    there.length === 1 ||
    head.number <= indexed + MAX_AHEAD_BLOCKS ||
    there.some((other) => other.url !== url && head.number <= other.head.number + MAX_AHEAD_BLOCKS);
  const believed = there.filter(isBelieved);
  const chosen = believed.find(({ head }) => head.number >= indexed) ?? believed[0];
  if (chosen === undefined)
    throw new NoEndpointError(
      `${urlVariable}: ${looked.filter((one) => typeof one === "string").join("; ")}`,
    );
  const others = believed.filter(({ url, head }) => url !== chosen.url && head.number >= chosen.head.number);
  const transports = [chosen, ...others].map(({ url }) => transportOf(url));
  return { client: createPublicClient({ transport: fallback(transports) }), block: chosen.head };
}

/**
 * One node's record after `block`.
 * @returns undefined when the registry has none (a removed node) or answers with another key's.
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
    log.warn(`the record of ${node.teeId} in ${node.registry} has no known layout`, { error });
    return undefined;
  }
}

/** Without the URL and the request that viem's long messages hold. */
export const messageOf = (error: unknown): string =>
  error instanceof BaseError ? error.shortMessage : error instanceof Error ? error.message : String(error);

export const isRevert = (error: unknown): boolean =>
  error instanceof Error && /execution reverted|revert/i.test(error.message);

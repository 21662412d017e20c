/** Reading node records from the first configured RPC that is there and of the right chain. */
import { type Address, createPublicClient, type Hex, http, keccak256, type PublicClient } from "viem";
import { decodeTeeRecord, encodeGetTee, type TeeRecord } from "../../abis/teeRecord.ts";
import type { ChainSettings } from "../../config/environment.ts";
import type { Log } from "../../config/log.ts";
import { redactUrl } from "../../config/redact.ts";

const TIMEOUT_MS = 10_000;
/** A node whose record could not be read is tried again by itself. */
const RETRIES = 1;

/** Thrown when no configured RPC can be used now; the message tells each one's fault. */
export class NoEndpointError extends Error {
  readonly code = "no-endpoint";
  override readonly name = "NoEndpointError";
}

export async function connect(chain: ChainSettings, urlVariable: string): Promise<PublicClient> {
  const faults: string[] = [];
  for (const url of chain.rpcUrls) {
    const client = createPublicClient({ transport: http(url, { timeout: TIMEOUT_MS, retryCount: RETRIES }) });
    try {
      const chainId = await client.getChainId();
      if (chainId === chain.chainId) return client;
      faults.push(`${redactUrl(url)} answers with chain id ${chainId} instead of ${chain.chainId}`);
    } catch {
      faults.push(`${redactUrl(url)} cannot be reached`);
    }
  }
  throw new NoEndpointError(`${urlVariable}: ${faults.join("; ")}`);
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

/** The newest block. */
export async function headOf(client: PublicClient): Promise<BlockPoint> {
  const { number, hash, timestamp } = await client.getBlock({ blockTag: "latest" });
  return { number: Number(number), hash, timestamp: Number(timestamp) };
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

const isRevert = (error: unknown): boolean =>
  error instanceof Error && /execution reverted|revert/i.test(error.message);

/**
 * The state that the pages of one walk are made from, as a cursor names it. A client could have written any of it, so it
 * names positions, and everything else about the state is read from the rows at these positions.
 */
import type { ChainName } from "../../../config/environment.ts";
import type { ReadTransaction } from "../reading/database.ts";
import type { AsOf, ChainAsOf } from "./asOf.ts";
import { type Evidence, type Position, readNeighbours } from "./position.ts";

/** One chain's part. */
export interface ChainPin {
  readonly blockNumber: number;
  /** The newest block up to it that carried an event. */
  readonly evidence: Evidence | null;
  /** Unix seconds. Null when the block carried an event: its row has the time. No row has the time of any other block. */
  readonly blockTime: number | null;
}

export type Pin = Readonly<Record<ChainName, ChainPin | null>> & Pick<AsOf, "proofs" | "origin">;

const pinChain = (part: ChainAsOf | null): ChainPin | null => {
  if (part === null) return null;
  const { blockNumber, blockTime, evidence } = part;
  return { blockNumber, evidence, blockTime: evidence?.blockNumber === blockNumber ? null : blockTime };
};

export const pinOf = ({ og, base, proofs, origin }: AsOf): Pin => ({
  og: pinChain(og),
  base: pinChain(base),
  proofs,
  origin,
});

/**
 * The pinned state, as the database knows it; null when the rows at its positions are others, or when its block cannot have
 * had its time: a block is no older than the stored one before it, no younger than the stored one after it, and no younger
 * than the newest indexed block.
 */
export async function findPinned(
  transaction: ReadTransaction,
  { blockNumber, blockTime, evidence }: ChainPin,
  newest: Position,
): Promise<ChainAsOf | null> {
  const { chain, chainId } = newest;
  if (blockNumber > newest.blockNumber) return null;
  const { before, nextTime } = await readNeighbours(transaction, chain, chainId, blockNumber);
  if (before?.blockNumber !== evidence?.blockNumber || before?.blockHash !== evidence?.blockHash) return null;
  if (before?.blockNumber === blockNumber)
    return blockTime === null ? { chainId, blockNumber, blockTime: before.blockTime, evidence } : null;
  if (blockTime === null) return null;
  const earliest = blockNumber === newest.blockNumber ? newest.blockTime : (before?.blockTime ?? 0);
  const latest = Math.min(newest.blockTime, nextTime ?? newest.blockTime);
  const isPossible = earliest <= blockTime && blockTime <= latest;
  return isPossible ? { chainId, blockNumber, blockTime, evidence } : null;
}

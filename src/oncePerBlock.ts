/**
 * What a block's first event does for all of them. Each call to Ponder's store costs about as much as an insert, and a
 * block can hold hundreds of heartbeats.
 */
import type { Hex } from "viem";

interface Place {
  readonly block: { readonly hash: Hex };
  readonly log: { readonly logIndex: number };
}

const newest = new Map<string, { readonly hash: Hex; readonly logIndex: number }>();

/**
 * Whether `event` is its block's first one for `work`, as far as this process saw. Only for work that is harmless to
 * repeat: a process that starts in the middle of a block does it again. What Ponder reverts or retries is done again too:
 * another fork has another hash, and a retry goes back to an event that is not later than the newest one.
 */
export function isFirstOfBlock(work: string, { block: { hash }, log: { logIndex } }: Place): boolean {
  const seen = newest.get(work);
  newest.set(work, { hash, logIndex });
  return seen === undefined || seen.hash !== hash || logIndex <= seen.logIndex;
}

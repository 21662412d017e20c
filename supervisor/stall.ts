/** Notices that an indexer at the head stands still although the chain moves on. */
import { duration, type Sample } from "./progress.ts";

/** Longer than one block's work takes, and than a failed request is repeated. */
const WARN_AFTER_MS = 60_000;
const RESTART_AFTER_MS = 180_000;

export interface Stall {
  /** What stands still, since when, and where the chain is. */
  readonly reason: string;
  /** Whether it lasted so long that only a new start is left to try. */
  readonly restart: boolean;
}

/** Follows samples; undefined while nothing is wrong. */
export function createStallWatch(): (sample: Sample) => Stall | undefined {
  let at: { block: number | undefined; events: number; head: number; sinceMs: number } | undefined;
  return ({ live, indexedBlock, events, headBlock, takenAtMs }) => {
    const moved = at === undefined || at.block !== indexedBlock || at.events !== events;
    // a chain without new blocks leaves nothing to index
    if (moved || !live || headBlock <= (indexedBlock ?? 0)) {
      at = { block: indexedBlock, events, head: headBlock, sinceMs: takenAtMs };
      return undefined;
    }
    const stoodMs = takenAtMs - (at?.sinceMs ?? takenAtMs);
    if (stoodMs < WARN_AFTER_MS) return undefined;
    return {
      reason: `it has been at block ${indexedBlock ?? 0} for ${duration(stoodMs / 1000)} while the chain went on to block ${headBlock}`,
      restart: stoodMs >= RESTART_AFTER_MS,
    };
  };
}

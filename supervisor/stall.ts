/** Detects an indexer that has stalled at the head while the chain moves on. */
import { duration, type Sample } from "./progress.ts";

/** Longer than indexing a block takes, and longer than Ponder retries a failed request. */
const WARN_AFTER_MS = 60_000;
const RESTART_AFTER_MS = 180_000;

export interface Stall {
  /** Where it is stalled, for how long, and where the chain is. */
  readonly reason: string;
  /** Whether the stall has lasted so long that only a restart is left to try. */
  readonly restart: boolean;
}

/** Makes a function that takes samples in turn; it returns undefined while nothing is wrong. */
export function createStallWatch(): (sample: Sample) => Stall | undefined {
  let at: { block: number | undefined; events: number; head: number; sinceMs: number } | undefined;
  return ({ live, indexedBlock, events, headBlock, takenAtMs }) => {
    const moved = at === undefined || at.block !== indexedBlock || at.events !== events;
    // a chain without new blocks leaves nothing to index
    if (moved || !live || headBlock <= (indexedBlock ?? 0)) {
      at = { block: indexedBlock, events, head: headBlock, sinceMs: takenAtMs };
      return undefined;
    }
    const stalledMs = takenAtMs - (at?.sinceMs ?? takenAtMs);
    if (stalledMs < WARN_AFTER_MS) return undefined;
    return {
      reason: `it has been at block ${indexedBlock ?? 0} for ${duration(stalledMs / 1000)} while the chain went on to block ${headBlock}`,
      restart: stalledMs >= RESTART_AFTER_MS,
    };
  };
}

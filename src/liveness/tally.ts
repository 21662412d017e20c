/** Heartbeat counts of a node's running hour and day, kept in its own row until the next one begins. Pure. */
import { bucketStart } from "../buckets.ts";

export interface Tally {
  readonly startAt: number;
  readonly heartbeats: number;
  readonly distinctHeartbeats: number;
  readonly latenessSeconds: number;
  readonly maxLatenessSeconds: number;
}

export const emptyTally = (at: number, intervalSeconds: number): Tally => ({
  startAt: bucketStart(at, intervalSeconds),
  heartbeats: 0,
  distinctHeartbeats: 0,
  latenessSeconds: 0,
  maxLatenessSeconds: 0,
});

export interface TallyStep {
  readonly tally: Tally;
  /** The tally that is over, unless it was empty. */
  readonly finished: Tally | null;
}

/** Counts one heartbeat. */
export function count(
  tally: Tally,
  intervalSeconds: number,
  receivedAt: number,
  latenessSeconds: number,
  repeated: boolean,
): TallyStep {
  const over = bucketStart(receivedAt, intervalSeconds) !== tally.startAt;
  const current = over ? emptyTally(receivedAt, intervalSeconds) : tally;
  return {
    tally: {
      startAt: current.startAt,
      heartbeats: current.heartbeats + 1,
      distinctHeartbeats: current.distinctHeartbeats + (repeated ? 0 : 1),
      latenessSeconds: current.latenessSeconds + latenessSeconds,
      maxLatenessSeconds: Math.max(current.maxLatenessSeconds, latenessSeconds),
    },
    finished: over && tally.heartbeats > 0 ? tally : null,
  };
}

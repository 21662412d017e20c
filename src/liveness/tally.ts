/** Heartbeat counts of a node's running hour and day, kept in its own row until the next one begins. Pure. */
import { bucketStart, DAY_SECONDS, HOUR_SECONDS } from "../buckets.ts";

export interface Tally {
  readonly startAt: number;
  readonly heartbeats: number;
  readonly distinctHeartbeats: number;
  readonly latenessSeconds: number;
  readonly maxLatenessSeconds: number;
}

/** The running hour, and the hours of the running day that are over: an hour is added to its day when it ends. */
export interface Tallies {
  readonly hour: Tally;
  readonly day: Tally;
}

export const emptyTally = (at: number, intervalSeconds: number): Tally => ({
  startAt: bucketStart(at, intervalSeconds),
  heartbeats: 0,
  distinctHeartbeats: 0,
  latenessSeconds: 0,
  maxLatenessSeconds: 0,
});

/** Counts one heartbeat of the tally's own time. */
export const count = (tally: Tally, latenessSeconds: number, repeated: boolean): Tally => ({
  startAt: tally.startAt,
  heartbeats: tally.heartbeats + 1,
  distinctHeartbeats: tally.distinctHeartbeats + (repeated ? 0 : 1),
  latenessSeconds: tally.latenessSeconds + latenessSeconds,
  maxLatenessSeconds: Math.max(tally.maxLatenessSeconds, latenessSeconds),
});

const sum = (day: Tally, hour: Tally): Tally => ({
  startAt: day.startAt,
  heartbeats: day.heartbeats + hour.heartbeats,
  distinctHeartbeats: day.distinctHeartbeats + hour.distinctHeartbeats,
  latenessSeconds: day.latenessSeconds + hour.latenessSeconds,
  maxLatenessSeconds: Math.max(day.maxLatenessSeconds, hour.maxLatenessSeconds),
});

export interface TurnOfHour {
  readonly tallies: Tallies;
  /** The hour that is over, unless it was empty. */
  readonly finishedHour: Tally | null;
  /** The whole day that is over, unless it was empty or goes on. */
  readonly finishedDay: Tally | null;
}

/** Ends the running hour, and the day when `at` lies in another one. Call when `at` lies in another hour. */
export function turnHour({ hour, day }: Tallies, at: number): TurnOfHour {
  const whole = sum(day, hour);
  const dayGoesOn = bucketStart(at, DAY_SECONDS) === day.startAt;
  return {
    tallies: { hour: emptyTally(at, HOUR_SECONDS), day: dayGoesOn ? whole : emptyTally(at, DAY_SECONDS) },
    finishedHour: hour.heartbeats > 0 ? hour : null,
    finishedDay: !dayGoesOn && whole.heartbeats > 0 ? whole : null,
  };
}

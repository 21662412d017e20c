/** Ranges of time as whole buckets, whose sums are known, and what is left over at their ends. */
import type { TimeRange } from "./moment.ts";

/** An end that is not given is open. */
export interface BucketSplit {
  readonly whole: TimeRange;
  readonly rest: readonly TimeRange[];
}

/** Cuts `[from, to)` so that most of it is whole buckets of a width, in seconds. */
export function wholeBuckets({ from, to }: TimeRange, width: number): BucketSplit {
  const wholeFrom = from === undefined ? undefined : Math.ceil(from / width) * width;
  const wholeTo = to === undefined ? undefined : Math.floor(to / width) * width;
  if (wholeFrom !== undefined && wholeTo !== undefined && wholeFrom >= wholeTo)
    return { whole: { from: wholeFrom, to: wholeFrom }, rest: [{ from, to }] };
  const rest: TimeRange[] = [];
  if (from !== wholeFrom) rest.push({ from, to: wholeFrom });
  if (to !== wholeTo) rest.push({ from: wholeTo, to });
  return { whole: { from: wholeFrom, to: wholeTo }, rest };
}

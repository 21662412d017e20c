/** Widths of the stored time buckets, seconds. */
export const HOUR_SECONDS = 3600;
export const DAY_SECONDS = 86_400;

/** The start of the bucket that holds `timestamp`, unix seconds. */
export const bucketStart = (timestamp: number, intervalSeconds: number): number =>
  timestamp - (timestamp % intervalSeconds);

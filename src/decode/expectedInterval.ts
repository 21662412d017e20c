/**
 * I, the interval at which a node is expected to sign, is half of `heartbeatMaxAge` within these bounds. An admin may set any
 * uint256: at 0 every gap would be an outage and every pause of a relayer a silence, at 2^256-1 nothing would ever be down.
 */
export const MIN_INTERVAL_SECONDS = 60;
export const MAX_INTERVAL_SECONDS = 86_400;

/** Twice I in whole seconds, I being half of an odd number at times. @param maxAgeSeconds - `heartbeatMaxAge`, any value. */
export const twiceExpectedInterval = (maxAgeSeconds: number): number =>
  Math.min(2 * MAX_INTERVAL_SECONDS, Math.max(2 * MIN_INTERVAL_SECONDS, maxAgeSeconds));

/** Whether a gap between signed seconds is an outage: longer than 1.5 I. Exact, in whole seconds. */
export const isOverdue = (seconds: number, maxAgeSeconds: number): boolean =>
  4 * seconds > 3 * twiceExpectedInterval(maxAgeSeconds);

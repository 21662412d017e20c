/**
 * Running totals of a node's heartbeats. Every heartbeat's row carries them, so that a count over any window is the
 * difference of two rows, found by their index.
 */
export interface BeatTotals {
  readonly heartbeats: number;
  /** Of them, those whose signed second had been sent before. */
  readonly repeatedHeartbeats: number;
  /** Sum of receivedAt - signedAt. */
  readonly latenessSeconds: number;
}

export const NO_BEATS: BeatTotals = { heartbeats: 0, repeatedHeartbeats: 0, latenessSeconds: 0 };

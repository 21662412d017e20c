/** What the prober says of a node. Unix seconds. */
import { HOUR_SECONDS, SCORING } from "./constants.ts";

/** One usable probe of one node. */
export interface Probe {
  readonly at: number;
  /** Seconds since the node's previous usable probe (its registration, for the first one), at most an hour. */
  readonly coversSeconds: number;
  readonly reached: boolean;
  /** log2 of the time to first byte over the round's median, clipped to [−1, 2]; null when there is none. */
  readonly latencyLog2: number | null;
}

/** Whether anybody probes at `now`; when nobody does, scores rest on uptime alone. */
export const isProbing = (lastUsableRoundAt: number | null, now: number): boolean =>
  lastUsableRoundAt !== null && now - lastUsableRoundAt <= SCORING.proberOffHours * HOUR_SECONDS;

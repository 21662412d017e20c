/** What a heartbeat changes about a node, as a pure function. Times are unix seconds. */
import { activate, activeUntil, type EndedInterval, type OpenInterval } from "./active.ts";
import { type Gap, seemedOutage } from "./proved.ts";

/** The part of a node's row that depends on `heartbeatMaxAge`. */
export interface LivenessFigures {
  readonly activeFrom: number | null;
  readonly activeUntil: number | null;
  readonly closedIntervals: number;
  readonly provedGaps: number;
  readonly lastHeartbeatAt: number;
  readonly lastSignedAt: number;
  readonly lastSignedMaxAgeSeconds: number;
}

/** What decides, besides the figures, whether a heartbeat makes the node active. */
export interface Standing {
  readonly enabled: boolean;
  readonly pcrApprovedUntil: number | null;
}

export interface Beat {
  /** Not after `receivedAt`. */
  readonly signedAt: number;
  readonly receivedAt: number;
  /** The same second was signed and sent before. */
  readonly repeated: boolean;
}

export interface BeatOutcome {
  readonly figures: LivenessFigures;
  /** Belongs at the old `closedIntervals`. */
  readonly ended: EndedInterval | null;
  /** Belongs at the old `provedGaps`. */
  readonly gap: Gap | null;
  /** Signed before the newest signed second: it may fall into a gap that was written already. */
  readonly late: boolean;
}

/** The figures of a row: read once, because each read of a row that Ponder hands out goes through a proxy. */
export const figuresOf = (row: LivenessFigures): LivenessFigures => ({
  activeFrom: row.activeFrom,
  activeUntil: row.activeUntil,
  closedIntervals: row.closedIntervals,
  provedGaps: row.provedGaps,
  lastHeartbeatAt: row.lastHeartbeatAt,
  lastSignedAt: row.lastSignedAt,
  lastSignedMaxAgeSeconds: row.lastSignedMaxAgeSeconds,
});

export const openIntervalOf = (
  figures: Pick<LivenessFigures, "activeFrom" | "activeUntil">,
): OpenInterval | null =>
  figures.activeFrom === null || figures.activeUntil === null
    ? null
    : { from: figures.activeFrom, until: figures.activeUntil };

export function applyBeat(
  figures: LivenessFigures,
  standing: Standing,
  { signedAt, receivedAt, repeated }: Beat,
  maxAgeSeconds: number,
): BeatOutcome {
  // Legacy registries may have accepted heartbeats of disabled nodes; the rule needs both.
  const { open, ended } = standing.enabled
    ? activate(
        openIntervalOf(figures),
        receivedAt,
        activeUntil(receivedAt, maxAgeSeconds, standing.pcrApprovedUntil),
      )
    : { open: openIntervalOf(figures), ended: null };
  const newest = signedAt > figures.lastSignedAt;
  const gap = {
    lastSignedAt: figures.lastSignedAt,
    nextSignedAt: signedAt,
    maxAgeSeconds: figures.lastSignedMaxAgeSeconds,
  };
  const outage = newest && seemedOutage(gap, receivedAt, maxAgeSeconds);
  return {
    figures: {
      activeFrom: open?.from ?? null,
      activeUntil: open?.until ?? null,
      closedIntervals: figures.closedIntervals + (ended === null ? 0 : 1),
      provedGaps: figures.provedGaps + (outage ? 1 : 0),
      lastHeartbeatAt: receivedAt,
      lastSignedAt: newest ? signedAt : figures.lastSignedAt,
      lastSignedMaxAgeSeconds: newest ? maxAgeSeconds : figures.lastSignedMaxAgeSeconds,
    },
    ended,
    gap: outage ? gap : null,
    late: !newest && !repeated && figures.provedGaps > 0,
  };
}

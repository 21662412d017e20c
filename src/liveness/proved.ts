/**
 * The stricter notion of liveness: only distinct signed seconds count, because a registry accepts the same heartbeat
 * signature again. Pure; times are unix seconds.
 */

import { isOverdue } from "../decode/expectedInterval.ts";
import { HOUR_SECONDS } from "../decode/timeBuckets.ts";

/** Two neighbouring distinct signed seconds, and `heartbeatMaxAge` at the first of them. */
export interface Gap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  readonly maxAgeSeconds: number;
}

/** A gap counts as up while it is at most 1.5 I long. */
export const isOutage = ({ lastSignedAt, nextSignedAt, maxAgeSeconds }: Gap): boolean =>
  isOverdue(nextSignedAt - lastSignedAt, maxAgeSeconds);

/**
 * Whether a gap that ended with a second known since `knownAt` was an outage, or seemed to be one until then: the second may
 * have been on its way for long. Who looked in between must still be told what was known.
 * @param maxAgeSeconds - in force at the second.
 */
export const seemedOutage = (gap: Gap, knownAt: number, maxAgeSeconds: number): boolean =>
  isOutage(gap) || isOverdue(knownAt - gap.lastSignedAt, Math.min(gap.maxAgeSeconds, maxAgeSeconds));

/** What remains of a gap when a late heartbeat turns out to have been signed inside it. */
export function splitGap(gap: Gap, signedAt: number, maxAgeSeconds: number): readonly Gap[] {
  return [
    { ...gap, nextSignedAt: signedAt },
    { lastSignedAt: signedAt, nextSignedAt: gap.nextSignedAt, maxAgeSeconds },
  ].filter(isOutage);
}

/** A node could sign every second; beyond this many the oldest are forgotten and only a count suffers. */
const MAX_RECENT = 4096;
/**
 * Signed seconds are remembered for two hours, or for twice `heartbeatMaxAge` if that is longer. Two hours are four
 * times the contract's default, so what counts as repeated seldom depends on when a change of the age is noticed.
 */
const REMEMBERED_SECONDS = 2 * HOUR_SECONDS;

/** Signed seconds that may still be repeated: ascending, comma-separated, never empty. */
export type RecentSeconds = string;

export const wasSigned = (recent: RecentSeconds, signedAt: number): boolean =>
  recent === String(signedAt) || `,${recent},`.includes(`,${signedAt},`);

/** Adds a signed second; `newestSignedAt` is the last one of `recent`. */
export function rememberSigned(
  recent: RecentSeconds,
  newestSignedAt: number,
  signedAt: number,
): RecentSeconds {
  // Nearly every heartbeat is the newest: appended without a look at the rest.
  if (signedAt > newestSignedAt) return `${recent},${signedAt}`;
  if (wasSigned(recent, signedAt)) return recent;
  return [...recent.split(",").map(Number), signedAt].sort((a, b) => a - b).join(",");
}

/** Drops the seconds that cannot be repeated any more at `now`. The newest stays. */
export function forgetSigned(recent: RecentSeconds, now: number, maxAgeSeconds: number): RecentSeconds {
  const oldest = now - Math.max(REMEMBERED_SECONDS, 2 * maxAgeSeconds);
  const surplus = recent.length < MAX_RECENT ? 0 : recent.split(",").length - MAX_RECENT;
  let start = 0;
  for (let dropped = 0; ; dropped++) {
    const comma = recent.indexOf(",", start);
    if (comma === -1 || (dropped >= surplus && Number(recent.slice(start, comma)) >= oldest)) break;
    start = comma + 1;
  }
  return recent.slice(start);
}

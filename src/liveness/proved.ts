/**
 * The stricter notion of liveness: only distinct signed seconds count, because a registry accepts the same heartbeat
 * signature again. Pure; times are unix seconds.
 */

/** Two neighbouring distinct signed seconds, and `heartbeatMaxAge` at the first of them. */
export interface Gap {
  readonly lastSignedAt: number;
  readonly nextSignedAt: number;
  readonly maxAgeSeconds: number;
}

/** A gap counts as up while it is at most 1.5 I long, with I = `heartbeatMaxAge` / 2. */
export const isOutage = ({ lastSignedAt, nextSignedAt, maxAgeSeconds }: Gap): boolean =>
  4 * (nextSignedAt - lastSignedAt) > 3 * maxAgeSeconds;

/** What remains of a gap when a late heartbeat turns out to have been signed inside it. */
export function splitGap(gap: Gap, signedAt: number, maxAgeSeconds: number): readonly Gap[] {
  return [
    { ...gap, nextSignedAt: signedAt },
    { lastSignedAt: signedAt, nextSignedAt: gap.nextSignedAt, maxAgeSeconds },
  ].filter(isOutage);
}

/** A node could sign every second; beyond this many the oldest are forgotten and only a count suffers. */
const MOST_RECENT = 4096;

/** Signed seconds that may still be repeated: ascending, comma-separated. */
export type RecentSeconds = string;

export const wasSigned = (recent: RecentSeconds, signedAt: number): boolean =>
  recent === String(signedAt) || `,${recent},`.includes(`,${signedAt},`);

/**
 * The signed seconds that may still be repeated after a heartbeat at `receivedAt`: those of twice `heartbeatMaxAge`, in
 * case it grows.
 */
export function rememberSigned(
  recent: RecentSeconds,
  signedAt: number,
  receivedAt: number,
  maxAgeSeconds: number,
): RecentSeconds {
  if (wasSigned(recent, signedAt)) return recent;
  const oldest = receivedAt - 2 * maxAgeSeconds;
  const kept = recent
    .split(",")
    .map(Number)
    .filter((second) => second >= oldest);
  kept.push(signedAt);
  return kept
    .sort((a, b) => a - b)
    .slice(-MOST_RECENT)
    .join(",");
}

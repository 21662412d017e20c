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
  const oldest = receivedAt - 2 * maxAgeSeconds;
  const newest = recent.slice(recent.lastIndexOf(",") + 1);
  // Nearly every heartbeat is the newest one, and nearly every other one is known already.
  if (signedAt > Number(newest) || newest === "") {
    const kept = atMost(MOST_RECENT - 1, dropBefore(recent, oldest));
    return kept === "" ? String(signedAt) : `${kept},${signedAt}`;
  }
  if (wasSigned(recent, signedAt)) return recent;
  const kept = dropBefore(recent, oldest);
  const seconds = [...(kept === "" ? [] : kept.split(",").map(Number)), signedAt].sort((a, b) => a - b);
  return atMost(MOST_RECENT, seconds.join(","));
}

/** Leaves out the seconds before `oldest`. */
function dropBefore(recent: RecentSeconds, oldest: number): RecentSeconds {
  let start = 0;
  while (start < recent.length) {
    const comma = recent.indexOf(",", start);
    const end = comma === -1 ? recent.length : comma;
    if (Number(recent.slice(start, end)) >= oldest) return recent.slice(start);
    start = end + 1;
  }
  return "";
}

/** A second takes at least this many characters with its comma, so shorter lines need no counting. */
const SHORTEST_SECOND = 2;

const atMost = (most: number, recent: RecentSeconds): RecentSeconds =>
  recent.length < most * SHORTEST_SECOND ? recent : recent.split(",").slice(-most).join(",");

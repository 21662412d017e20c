/**
 * The contract's own notion of liveness as intervals: a node is active at t when it is enabled, its PCR is approved
 * and `t - lastHeartbeatAt <= heartbeatMaxAge`. Pure; times are unix seconds, intervals are `[from, until)`.
 */

/** The newest active spell of a node; `until` may lie in the future and moves with every heartbeat. */
export interface OpenInterval {
  readonly from: number;
  readonly until: number;
}

export type EndCause = "stale" | "disabled" | "pcr-revoked" | "removed" | "max-age";

export interface EndedInterval extends OpenInterval {
  readonly endCause: EndCause;
}

export interface Transition {
  readonly open: OpenInterval | null;
  /** What ended by this transition, if anything did. */
  readonly ended: EndedInterval | null;
}

/** When a node's activity ends unless it sends another heartbeat. The contract's comparison is `<=`. */
export function activeUntil(
  lastHeartbeatAt: number,
  maxAgeSeconds: number,
  pcrApprovedUntil: number | null,
): number {
  const stale = Math.min(lastHeartbeatAt + maxAgeSeconds + 1, Number.MAX_SAFE_INTEGER);
  return pcrApprovedUntil === null ? stale : Math.min(stale, pcrApprovedUntil);
}

/**
 * The node meets the rule from `at` to `until`: extends the open interval when it reaches up to `at`, else ends it
 * where it went stale and opens another.
 */
export function activate(open: OpenInterval | null, at: number, until: number): Transition {
  if (until <= at) return { open, ended: null };
  if (open === null) return { open: { from: at, until }, ended: null };
  if (at <= open.until) return { open: { from: open.from, until }, ended: null };
  return { open: { from: at, until }, ended: { ...open, endCause: "stale" } };
}

/** The node stops meeting the rule at `at`, whatever its heartbeats say. An interval without a second in it vanishes. */
export function deactivate(open: OpenInterval | null, at: number, cause: EndCause): Transition {
  if (open === null) return { open: null, ended: null };
  if (open.until <= at) return { open: null, ended: { ...open, endCause: "stale" } };
  if (open.from >= at) return { open: null, ended: null };
  return { open: null, ended: { from: open.from, until: at, endCause: cause } };
}

/**
 * `heartbeatMaxAge` or the PCR's approval changed at `at`, so that the node's activity now lasts until `until`:
 * shortens the open interval (it ends at `at` at the earliest), lengthens it, or opens a new one.
 */
export function reconsider(
  open: OpenInterval | null,
  at: number,
  until: number,
  cause: "max-age" | "pcr-revoked",
): Transition {
  // A change that was noticed late may precede the interval.
  if (open !== null && open.from > at)
    return { open: until > open.from ? { from: open.from, until } : null, ended: null };
  if (until <= at)
    return open !== null && open.until > at ? deactivate(open, at, cause) : { open, ended: null };
  return activate(open, at, until);
}

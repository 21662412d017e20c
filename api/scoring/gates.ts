/** What excludes a node from selection, whatever its score. */

/** `status` is the contract's own rule; the rest is ours. */
export type GateReason =
  | "removed"
  | "revoked"
  | "disabled"
  | "stale"
  | "not-proved-alive"
  | "incomplete-record";

export interface GateInput {
  readonly status: "active" | "stale" | "disabled" | "revoked" | "removed";
  readonly lastSignedAt: number;
  /** `heartbeatMaxAge` in force now. */
  readonly maxAgeSeconds: number;
  readonly now: number;
  /** Endpoint and certificate are known: without them nobody can connect. */
  readonly connectable: boolean;
}

export interface Gate {
  readonly reason: GateReason;
  readonly detail: string;
}

/** Every gate that the node fails; none when it may be selected. */
export function failedGates({
  status,
  lastSignedAt,
  maxAgeSeconds,
  now,
  connectable,
}: GateInput): readonly Gate[] {
  const failed: Gate[] = [];
  if (status !== "active")
    failed.push({ reason: status, detail: `the registry would not list it: it is ${status}` });
  const ageSeconds = now - lastSignedAt;
  if (ageSeconds > maxAgeSeconds)
    failed.push({
      reason: "not-proved-alive",
      detail: `its newest signed second is ${ageSeconds} s old, more than ${maxAgeSeconds} s; repeated signatures do not count`,
    });
  if (!connectable)
    failed.push({ reason: "incomplete-record", detail: "its endpoint or certificate is not known" });
  return failed;
}

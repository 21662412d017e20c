/** What excludes a node from selection, whatever its score. */

/** The first four follow from `status`, the contract's own rule; the rest are ours. */
export const GATE_REASONS = [
  "removed",
  "revoked",
  "disabled",
  "stale",
  "not-proved-alive",
  "incomplete-record",
  "unusable-endpoint",
] as const;
export type GateReason = (typeof GATE_REASONS)[number];

export interface GateInput {
  readonly status: "active" | "stale" | "disabled" | "revoked" | "removed";
  readonly lastSignedAt: number;
  /** `heartbeatMaxAge` in force now. */
  readonly maxAgeSeconds: number;
  readonly now: number;
  /** Endpoint and certificate are known: without them nobody can connect. */
  readonly connectable: boolean;
  /** Why nobody can connect to the endpoint as it is written, as a clause; null when they can, or when it is not known. */
  readonly endpointProblem: string | null;
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
  endpointProblem,
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
  if (endpointProblem !== null)
    failed.push({
      reason: "unusable-endpoint",
      detail: `nobody can connect to its endpoint: ${endpointProblem}`,
    });
  return failed;
}

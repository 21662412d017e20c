/** Which nodes a caller may be given: by what it asked for, then by the gates, then by how good they are. */
import { latestPcr } from "../queries/evidence/evidenceChanges.ts";
import type { GateReason } from "../scoring/index.ts";
import type { ScoredNode } from "./registryScores.ts";
import type { RegistrySnapshot } from "./snapshot.ts";

/** What a caller asks for. Everything is lower-case hex. */
export interface SelectionFilters {
  readonly teeType: number;
  /** Null means every configured one. */
  readonly registries: readonly string[] | null;
  /** Node ids; absent means any. */
  readonly only?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly owner?: readonly string[] | undefined;
  readonly excludeOwner?: readonly string[] | undefined;
  readonly pcrHash?: string | undefined;
  /** `latest`: see `latestPcr`. */
  readonly pcr?: "latest" | undefined;
  readonly ohttp?: boolean | undefined;
  /** 0 to 100. */
  readonly minScore?: number | undefined;
  /** 0 to 1. */
  readonly minUptime?: number | undefined;
}

/** Why nodes were left out, in the order in which reasons are looked for: each node counts for its first. */
export const EXCLUSION_REASONS = [
  "other-tee-type",
  "not-in-only",
  "in-exclude",
  "other-owner",
  "excluded-owner",
  "other-pcr",
  "no-ohttp-key",
  "removed",
  "revoked",
  "disabled",
  "stale",
  "not-proved-alive",
  "incomplete-record",
  "unusable-endpoint",
  "below-min-score",
  "below-min-uptime",
] as const satisfies readonly (GateReason | string)[];
export type ExclusionReason = (typeof EXCLUSION_REASONS)[number];

export interface Exclusion {
  readonly reason: ExclusionReason;
  readonly count: number;
}

export interface Sifted {
  readonly passed: readonly ScoredNode[];
  /** Those with a count, in the order of `EXCLUSION_REASONS`. */
  readonly excluded: readonly Exclusion[];
}

export function sift(registries: readonly RegistrySnapshot[], filters: SelectionFilters): Sifted {
  const passed: ScoredNode[] = [];
  const counts = new Map<ExclusionReason, number>();
  for (const snapshot of registries) {
    const reasonOf = reasonsFor(snapshot, filters);
    for (const node of snapshot.scores.nodes) {
      const reason = reasonOf(node);
      if (reason === null) passed.push(node);
      else counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  const excluded = EXCLUSION_REASONS.flatMap((reason) => {
    const count = counts.get(reason);
    return count === undefined ? [] : [{ reason, count }];
  });
  return { passed, excluded };
}

const comesAfterIncomplete = (reason: ExclusionReason): boolean =>
  EXCLUSION_REASONS.indexOf(reason) > EXCLUSION_REASONS.indexOf("incomplete-record");

function reasonsFor(
  { scores, listings, pcrApprovals }: RegistrySnapshot,
  filters: SelectionFilters,
): (node: ScoredNode) => ExclusionReason | null {
  const { teeType, pcr, ohttp, minScore, minUptime } = filters;
  const setOf = (values: readonly string[] | undefined) => (values === undefined ? null : new Set(values));
  const [only, exclude] = [setOf(filters.only), setOf(filters.exclude)];
  const [owners, excludedOwners] = [setOf(filters.owner), setOf(filters.excludeOwner)];
  const latest = pcr === undefined ? null : latestPcr(pcrApprovals, teeType, scores.now);
  const wanted = [
    ...(filters.pcrHash === undefined ? [] : [filters.pcrHash]),
    ...(pcr === undefined ? [] : [latest]),
  ];
  return ({ evidence, gates, score, uptime }) => {
    const { teeId, current } = evidence;
    if (evidence.teeType !== teeType) return "other-tee-type";
    if (only !== null && !only.has(teeId)) return "not-in-only";
    if (exclude?.has(teeId)) return "in-exclude";
    if (owners !== null && !owners.has(current.owner)) return "other-owner";
    if (excludedOwners?.has(current.owner)) return "excluded-owner";
    const { pcrHash } = evidence;
    if (wanted.some((one) => one === null || (pcrHash !== null && pcrHash !== one))) return "other-pcr";
    if (ohttp === true && listings.get(teeId)?.ohttp !== true) return "no-ohttp-key";
    const [gate] = gates;
    // A node whose PCR is unknown may run the one asked for or another.
    const lacksPcr = wanted.length > 0 && pcrHash === null;
    if (lacksPcr && (gate === undefined || comesAfterIncomplete(gate.reason))) return "incomplete-record";
    if (gate !== undefined) return gate.reason;
    if (minScore !== undefined && score < minScore) return "below-min-score";
    if (minUptime !== undefined && (uptime === null || uptime < minUptime)) return "below-min-uptime";
    return null;
  };
}

/** What selection knows of a node that passed every gate and filter. */
import type { Score } from "./score.ts";

export interface Candidate {
  /** Unique among the candidates; their order decides how a seed falls. */
  readonly nodeId: string;
  /** Its operator. */
  readonly owner: string;
  readonly host: string | null;
  readonly score: Score;
  /** Hours of evidence behind the score. */
  readonly nEff: number;
  /**
   * The most hours of evidence of any key of its operator, whether that key passed, failed a gate or was stopped: see
   * `evidenceByOwner`. An operator is new once; its next keys are not.
   */
  readonly operatorNEff: number;
}

/** @param nodes - every node of the snapshot, those that cannot be selected included. */
export function evidenceByOwner(
  nodes: Iterable<{ readonly owner: string; readonly nEff: number }>,
): ReadonlyMap<string, number> {
  const most = new Map<string, number>();
  for (const { owner, nEff } of nodes) most.set(owner, Math.max(most.get(owner) ?? 0, nEff));
  return most;
}

declare const probabilityBrand: unique symbol;
/** 0 to 1. Made by `toProbability`. */
export type Probability = number & { readonly [probabilityBrand]: true };

/** How far beyond 1 sums of rounded shares may lie. */
const ROUNDING = 1e-9;

/** @throws {RangeError} outside 0 to 1. */
export function toProbability(value: number): Probability {
  if (!(value >= 0 && value <= 1 + ROUNDING))
    throw new RangeError(`probability ${value} is not within 0 to 1; check the shares that made it`);
  // The brand says that the check above was made.
  return Math.min(1, value) as Probability;
}

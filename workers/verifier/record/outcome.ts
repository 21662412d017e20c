/** Outcomes that are not final, and when to try again. */
import type { Hex } from "../../../proofs/hex.ts";
import type { Postponement } from "../jobs/claims.ts";

/** The next attempt. */
export interface Again {
  readonly delaySeconds: number;
  /** Attempts for which no aggregator had the blob, this one included where that was so. */
  readonly absences: number;
}

/** The blob could not be fetched or could not be checked. */
export interface Unfinished {
  readonly state: "pending" | "unavailable";
  /** A stable slug. */
  readonly reason: string;
  readonly detail: string;
  readonly again: Again;
}

/** A finding that may have to be checked again. */
export interface Recheckable {
  readonly again?: Again;
}

/** The postponements of those outcomes that are to be retried. */
export const postponed = (
  outcomes: readonly (Recheckable & {
    readonly job: { readonly key: Hex };
    readonly detail?: string | null;
  })[],
): Postponement[] =>
  outcomes.flatMap(({ job, again, detail }) =>
    again === undefined ? [] : [{ key: job.key, error: detail ?? "", ...again }],
  );

/**
 * SQL for whether the state `found` may replace `known`. A later attempt may meet an aggregator that fails, has lost the blob
 * or serves wrong bytes; that must not undo an earlier finding.
 * @param states - from the least to the most conclusive.
 */
export const mayReplace = (known: string, found: string, states: readonly string[]): string => {
  const rank = (state: string) =>
    `array_position(array[${states.map((name) => `'${name}'`).join(", ")}], ${state})`;
  return `${rank(found)} >= ${rank(known)}`;
};

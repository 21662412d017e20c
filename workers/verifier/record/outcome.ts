/** What came of a try that settles nothing for good. */
import type { Hex } from "../../../proofs/hex.ts";
import type { Postponement } from "../jobs/claims.ts";

/** When to try the next time. */
export interface Again {
  readonly delaySeconds: number;
  /** Tries that every aggregator answered with "there is no such blob", this one included if it was one. */
  readonly absences: number;
}

/** The blob could not be had, or not be checked. */
export interface Unfinished {
  readonly state: "pending" | "unavailable";
  /** A stable slug. */
  readonly reason: string;
  readonly detail: string;
  readonly again: Again;
}

/** Whether and when a finding is to be looked at again. */
export interface Recheckable {
  readonly again?: Again;
}

/** The jobs among these that are to be tried again. */
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
 * SQL: whether the state `found` may take the place of `known`. Later tries may find an aggregator that fails, lost the blob
 * or serves something else: they take nothing back.
 * @param states - from what says least to what says most.
 */
export const mayReplace = (known: string, found: string, states: readonly string[]): string => {
  const rank = (state: string) =>
    `array_position(array[${states.map((name) => `'${name}'`).join(", ")}], ${state})`;
  return `${rank(found)} >= ${rank(known)}`;
};

/** What came of a try that settles nothing yet. */

/** The blob could not be had, or not be checked; `again` says when to try the next time. */
export interface Unfinished {
  readonly state: "pending" | "unavailable";
  /** A stable slug. */
  readonly reason: string;
  readonly detail: string;
  readonly again: {
    readonly delaySeconds: number;
    /** Tries that every aggregator answered with "there is no such blob", this one included if it was one. */
    readonly absences: number;
  };
}

/** Decides when a job is retried. Pure: the caller passes randomness in. */

const MAX_FAILURE_DELAY_SECONDS = 600;
/** Delays vary by ±20 %, so that jobs which failed together do not come back together. */
const SPREAD = 0.4;

export interface RetrySchedule {
  /** Seconds to wait after the first, second, … time that no aggregator had the blob. */
  readonly absenceDelays: readonly number[];
  /** Seconds between attempts once those are used up, without end. */
  readonly unavailableDelay: number;
  /** Seconds until a blob whose content was refused is fetched again. */
  readonly recheckDelay: number;
}

export interface NextAttempt {
  readonly delaySeconds: number;
  /** Whether the blob now counts as unavailable. */
  readonly unavailable: boolean;
}

const spread = (seconds: number, random: number): number => seconds * (1 - SPREAD / 2 + SPREAD * random);

/**
 * Schedules the next attempt after no aggregator had the blob.
 * @param absences - how often that was so, this time included.
 * @param random - in [0, 1).
 */
export function afterAbsence(absences: number, schedule: RetrySchedule, random: number): NextAttempt {
  const delay = schedule.absenceDelays[absences - 1];
  return {
    delaySeconds: spread(delay ?? schedule.unavailableDelay, random),
    unavailable: delay === undefined,
  };
}

/** An aggregator that serves an error page or a truncated blob is expected to be repaired by then. */
const RECHECKED_FOR_SECONDS = 3 * 86_400;

/**
 * Schedules the next attempt after a blob's content was refused: the aggregator may have served wrong bytes.
 * @param refusedForSeconds - how long the finding has been the same; null when it is new.
 * @returns seconds to wait, twice the time it has been the same; null once that is long enough to be final.
 */
export function afterRefusal(
  refusedForSeconds: number | null,
  { recheckDelay }: RetrySchedule,
  random: number,
): number | null {
  if (refusedForSeconds === null) return spread(recheckDelay, random);
  if (refusedForSeconds >= RECHECKED_FOR_SECONDS) return null;
  return spread(Math.max(recheckDelay, 2 * refusedForSeconds), random);
}

/**
 * Schedules the next attempt after one without a result: an aggregator failed, or the check itself.
 * @param failures - such attempts so far, this one included.
 * @returns seconds to wait.
 */
export const afterFailure = (failures: number, random: number): number =>
  spread(Math.min(2 ** Math.min(failures, 20), MAX_FAILURE_DELAY_SECONDS), random);

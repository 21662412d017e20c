/** When a job is tried again. Pure: chance is handed in. */

/** Never more often than this, however often it failed. */
const MAX_FAILURE_DELAY_SECONDS = 600;
/** Times are spread by a fifth to both sides, so that what failed together does not come back together. */
const SPREAD = 0.4;

export interface RetrySchedule {
  /** Seconds to wait after the first, second, … time that every aggregator said there is no such blob. */
  readonly absenceDelays: readonly number[];
  /** Seconds between tries once these are used up, for ever. */
  readonly unavailableDelay: number;
  /** Seconds until bytes that were not what they should be are asked for again. */
  readonly recheckDelay: number;
}

export interface NextTry {
  readonly delaySeconds: number;
  /** Whether the blob now counts as gone. */
  readonly unavailable: boolean;
}

const spread = (seconds: number, random: number): number => seconds * (1 - SPREAD / 2 + SPREAD * random);

/**
 * @param absences - how often every aggregator has said so, this time included.
 * @param random - in [0, 1).
 */
export function afterAbsence(absences: number, schedule: RetrySchedule, random: number): NextTry {
  const delay = schedule.absenceDelays[absences - 1];
  return {
    delaySeconds: spread(delay ?? schedule.unavailableDelay, random),
    unavailable: delay === undefined,
  };
}

/** By then an aggregator that served something else, an error page or a truncated blob, has been put right. */
const RECHECKED_FOR_SECONDS = 3 * 86_400;

/**
 * After bytes that are not what they should be: what an aggregator serves is not proof that the blob is wrong.
 * @param refusedForSeconds - how long the finding has been the same; null when it is new.
 * @returns seconds to wait, twice as long as it has been the same; null once it has been so for long enough.
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
 * After a try that found nothing out: an aggregator failed, or the check itself.
 * @param failures - such tries so far, this one included.
 * @returns seconds to wait.
 */
export const afterFailure = (failures: number, random: number): number =>
  spread(Math.min(2 ** Math.min(failures, 20), MAX_FAILURE_DELAY_SECONDS), random);

/** Quantiles and means of the Beta distribution that up and down hours give, with the fixed prior. */
import jstat from "jstat";
import { SCORING } from "./constants.ts";
import type { Evidence, Weighed } from "./evidence.ts";

export interface Posterior {
  /** a / (a + b). */
  readonly mean: number;
  /** The 5 % quantile. */
  readonly low: number;
  /** The 95 % quantile. */
  readonly high: number;
  /** The last hours' mean, which starts from `mean`. */
  readonly fast: number;
}

/** @param up, down - hours; the slow ones count. */
export const posteriorMean = (up: Weighed, down: Weighed): number =>
  (SCORING.priorUpHours + up.slow) / (SCORING.priorUpHours + SCORING.priorDownHours + up.slow + down.slow);

/** The last hours' mean, which starts from the slow one. */
export const fastMean = (slowMean: number, up: Weighed, down: Weighed): number =>
  (SCORING.fastPriorHours * slowMean + up.fast) / (SCORING.fastPriorHours + up.fast + down.fast);

export function posterior({ up, down }: Evidence): Posterior {
  const mean = posteriorMean(up, down);
  const a = SCORING.priorUpHours + up.slow;
  const b = SCORING.priorDownHours + down.slow;
  return {
    mean,
    low: betaQuantile(SCORING.lowQuantile, a, b),
    high: betaQuantile(SCORING.highQuantile, a, b),
    fast: fastMean(mean, up, down),
  };
}

/** The x below which Beta(a, b) lies with probability p; BETA.INV(p, a, b) of a spreadsheet. */
export const betaQuantile = (p: number, a: number, b: number): number => jstat.ibetainv(p, a, b);

/** From a node's record to its score, with everything that made it. */
import { SCORE_VERSION } from "./constants.ts";
import { evidenceHours } from "./evidence.ts";
import { type Factor, factorsOf } from "./factors.ts";
import type { NodeRecord } from "./nodeRecord.ts";

declare const scoreBrand: unique symbol;
/** 0 to 100, with at most four decimals. Made by `toScore`. */
export type Score = number & { readonly [scoreBrand]: true };

const DECIMALS = 10_000;

/** Rounds to four decimals, so that equal evidence gives equal scores whatever the order of additions. @throws {RangeError} outside 0 to 100. */
export function toScore(value: number): Score {
  if (!(value >= 0 && value <= 100))
    throw new RangeError(`score ${value} is not within 0 to 100; check the factors that made it`);
  // The brand says that the check above was made.
  return (Math.round(value * DECIMALS) / DECIMALS) as Score;
}

export interface NodeScore {
  readonly value: Score;
  /**
   * With uptime and reachability at their 5 % and 95 % quantile; approximate. `value` is itself the cautious end and lower
   * still after a recent outage, so `low` never exceeds it.
   */
  readonly low: Score;
  readonly high: Score;
  /** Hours of uptime evidence, weighed by age: at most 242.4. */
  readonly nEff: number;
  readonly version: string;
  readonly factors: readonly Factor[];
}

/** 100 × the weighted geometric mean: a factor near zero cannot be bought back by another. The weights sum to 1. */
function geometricMean(factors: readonly Factor[], choose: (factor: Factor) => number | null): Score {
  let logarithm = 0;
  for (const factor of factors) {
    const value = choose(factor);
    if (value !== null) logarithm += factor.weight * Math.log(value);
  }
  return toScore(Math.min(100, 100 * Math.exp(logarithm)));
}

export function scoreOf(record: NodeRecord, probing: boolean): NodeScore {
  const factors = factorsOf(record, probing);
  const value = geometricMean(factors, (factor) => factor.value);
  const low = geometricMean(factors, (factor) => factor.low ?? factor.value);
  return {
    value,
    low: toScore(Math.min(low, value)),
    high: geometricMean(factors, ({ value, high }) => high ?? value),
    nEff: evidenceHours(record.uptime),
    version: SCORE_VERSION,
    factors,
  };
}

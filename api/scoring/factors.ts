/** One named curve per factor, each in (0, 1]. */
import { type Posterior, posterior } from "./beta.ts";
import { SCORING } from "./constants.ts";
import { type Evidence, evidenceHours } from "./evidence.ts";
import type { LatencyEvidence, NodeRecord } from "./nodeRecord.ts";

/** In the order in which they are published. */
export const FACTOR_NAMES = ["uptime", "reachability", "latency"] as const;
export type FactorName = (typeof FACTOR_NAMES)[number];

/** Their exponents while the prober is on. */
export const FACTOR_WEIGHTS: Readonly<Record<FactorName, number>> = {
  uptime: SCORING.uptimeWeight,
  reachability: SCORING.reachabilityWeight,
  latency: SCORING.latencyWeight,
};

/** One factor of a score as it is published. */
export interface Factor {
  readonly name: FactorName;
  /** The exponent; 0 when the factor does not count because nobody probes. */
  readonly weight: number;
  /** In (0, 1]; null when it does not count. */
  readonly value: number | null;
  /** 5 % and 95 % quantile of the slow evidence; null for latency. */
  readonly low: number | null;
  readonly high: number | null;
  /** Share of the evidence that is up (uptime, reachability), or mean log2 of latency over the median; null without evidence. */
  readonly observed: number | null;
  /** Hours of evidence. */
  readonly hours: number;
}

/** Cautious over a week, quick within hours: the lower of the slow 5 % quantile and the fast mean. */
export const dependability = ({ low, fast }: Posterior): number => Math.min(low, fast);

/** 0.9 at the round's median, 0.1 less per doubling, shrunk towards the median while evidence is short. */
export const latencyFactor = ({ hours, log2Hours }: LatencyEvidence): number =>
  // (Σ/n)·n/(n + prior) is Σ/(n + prior), without a division by zero at n = 0.
  SCORING.latencyAtMedian - (SCORING.latencyPerLog2 * log2Hours) / (hours + SCORING.latencyPriorHours);

function dependabilityFactor(name: FactorName, weight: number, evidence: Evidence): Factor {
  const figures = posterior(evidence);
  const hours = evidenceHours(evidence);
  return {
    name,
    weight,
    value: dependability(figures),
    low: figures.low,
    high: figures.high,
    observed: hours === 0 ? null : evidence.up.slow / hours,
    hours,
  };
}

/** @param probing - whether anybody probes: when nobody does, uptime alone counts. */
export function factorsOf(
  { uptime, reachability, latency }: NodeRecord,
  probing: boolean,
): readonly Factor[] {
  const observedLatency = latency.hours === 0 ? null : latency.log2Hours / latency.hours;
  if (!probing) {
    const absent = { weight: 0, value: null, low: null, high: null };
    const { up } = reachability;
    const hours = evidenceHours(reachability);
    const observed = hours === 0 ? null : up.slow / hours;
    return [
      dependabilityFactor("uptime", 1, uptime),
      { name: "reachability", ...absent, observed, hours },
      { name: "latency", ...absent, observed: observedLatency, hours: latency.hours },
    ];
  }
  return [
    dependabilityFactor("uptime", FACTOR_WEIGHTS.uptime, uptime),
    dependabilityFactor("reachability", FACTOR_WEIGHTS.reachability, reachability),
    {
      name: "latency",
      weight: FACTOR_WEIGHTS.latency,
      value: latencyFactor(latency),
      low: null,
      high: null,
      observed: observedLatency,
      hours: latency.hours,
    },
  ];
}

/**
 * From rounds of probes to what each says of a node, as docs/metrics.md defines it; a prober will need the same. A round asks
 * nodes of many operators at about one moment. Unix seconds.
 */
import { SCORING } from "../../api/scoring/index.ts";

const HOUR_SECONDS = 3_600;

/** One node's answer in one round. */
export interface ProbeAnswer {
  readonly nodeId: string;
  /** Owner of the node. */
  readonly operator: string;
  /** A TLS connection came about, with whatever certificate. */
  readonly answered: boolean;
  /** It did, and with the registered certificate. */
  readonly reached: boolean;
  /** Time to first byte; null when the node was not reached. */
  readonly latencyMs: number | null;
}

export interface ProbeRound {
  /** When the round ended. */
  readonly at: number;
  readonly answers: readonly ProbeAnswer[];
}

/** The rounds that at least half of the operators reached in the hour before answered. @param rounds - in order of time. */
export function usableRounds(rounds: readonly ProbeRound[]): readonly ProbeRound[] {
  const lastReachedAt = new Map<string, number>();
  return rounds.filter(({ at, answers }) => {
    const expected = new Set<string>();
    for (const [operator, reachedAt] of lastReachedAt)
      if (reachedAt >= at - SCORING.usableRoundHours * HOUR_SECONDS) expected.add(operator);
    const answering = new Set<string>();
    for (const { operator, answered } of answers)
      if (answered && expected.has(operator)) answering.add(operator);
    for (const { operator, reached } of answers) if (reached) lastReachedAt.set(operator, at);
    return answering.size >= SCORING.usableRoundShare * expected.size;
  });
}

/** The middle of `values`, or the mean of the two middle ones; null without any. */
function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

/** The round's median over operators, each standing for the median of its nodes: keys do not move it. Null without answers. */
export function roundMedianMs({ answers }: ProbeRound): number | null {
  const byOperator = new Map<string, number[]>();
  for (const { operator, latencyMs } of answers) {
    if (latencyMs === null || latencyMs <= 0) continue;
    const latencies = byOperator.get(operator) ?? [];
    byOperator.set(operator, latencies);
    latencies.push(latencyMs);
  }
  return median([...byOperator.values()].map(median).filter((value) => value !== null));
}

/** log2(latency / median), clipped; null when either is missing or not positive. */
export function latencyLog2(latencyMs: number | null, medianMs: number | null): number | null {
  if (latencyMs === null || medianMs === null || latencyMs <= 0 || medianMs <= 0) return null;
  const doublings = Math.log2(latencyMs / medianMs);
  return Math.min(SCORING.latencyCeilingLog2, Math.max(SCORING.latencyFloorLog2, doublings));
}

/** How selections divide among operators, and inside each among its nodes, before limits. */
import type { Candidate } from "./candidate.ts";
import { SCORING } from "./constants.ts";

/** One operator's passing nodes. */
export interface Operator {
  readonly owner: string;
  /** Positions of its nodes in the list of candidates, ascending. */
  readonly members: readonly number[];
  readonly bestScore: number;
  /** Distinct hosts of its nodes; those without one count as one host together. */
  readonly hosts: number;
  /** The largest share of the operator's selections that any of its nodes could get, whatever number of keys its hosts carry. */
  readonly largestPart: number;
  /** How much is left to learn about its best-evidenced node: 1 for a newcomer, 0 from 72 h on. */
  readonly novelty: number;
}

const { selectionPower, explorationShare, exploredHours, hostsCounted } = SCORING;

/** What a score weighs against others. */
export const scoreWeight = (score: number): number => (score / 100) ** selectionPower;

/** x of design: 1 without evidence, 0 from 72 h of it on. */
export const novelty = (nEff: number): number => Math.max(0, 1 - nEff / exploredHours);

/** A host is capacity, up to a few per operator. */
export const capacity = (hosts: number): number => Math.min(hosts, hostsCounted);

/** Operators in order of their addresses. @param candidates - in order of `nodeId`. */
export function operatorsOf(candidates: readonly Candidate[]): readonly Operator[] {
  const byOwner = new Map<string, number[]>();
  for (const [position, { owner }] of candidates.entries()) {
    const members = byOwner.get(owner);
    if (members === undefined) byOwner.set(owner, [position]);
    else members.push(position);
  }
  return [...byOwner]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([owner, members]) => {
      const bestOfHost = new Map<string, number>();
      let bestScore = 0;
      let mostEvidence = 0;
      for (const position of members) {
        const node = candidates[position];
        if (node === undefined) continue;
        const host = node.host ?? "";
        bestOfHost.set(host, Math.max(bestOfHost.get(host) ?? 0, node.score));
        bestScore = Math.max(bestScore, node.score);
        mostEvidence = Math.max(mostEvidence, node.nEff);
      }
      const weights = [...bestOfHost.values()].sort((one, other) => one - other).map(scoreWeight);
      const largest = part(scoreWeight(bestScore), sum(weights), weights.length);
      return {
        owner,
        members,
        bestScore,
        hosts: bestOfHost.size,
        largestPart: (1 - explorationShare) * largest + explorationShare,
        novelty: novelty(mostEvidence),
      };
    });
}

/** Each operator's share of all selections, exploration included. */
export function operatorShares(operators: readonly Operator[]): Float64Array {
  const weights = operators.map(({ bestScore, hosts }) => scoreWeight(bestScore) * capacity(hosts));
  const total = sum(weights);
  const novelties = operators.map((operator) => operator.novelty);
  const newness = sum(novelties);
  const explored = Math.min(explorationShare, (SCORING.explorationPerNewcomer * newness) / operators.length);
  return Float64Array.from(operators, (_, index) => {
    const earned = part(weights[index] ?? 0, total, operators.length);
    const explores = newness === 0 ? 0 : (novelties[index] ?? 0) / newness;
    return (1 - explored) * earned + explored * explores;
  });
}

/** Divides an operator's `share` among its nodes, into `probabilities` by position. */
export function divideAmongNodes(
  candidates: readonly Candidate[],
  { members }: Operator,
  share: number,
  probabilities: Float64Array,
): void {
  let weights = 0;
  let newness = 0;
  for (const position of members) {
    const node = candidates[position];
    if (node === undefined) continue;
    weights += scoreWeight(node.score);
    newness += novelty(node.nEff);
  }
  const explored = newness === 0 ? 0 : explorationShare;
  for (const position of members) {
    const node = candidates[position];
    if (node === undefined) continue;
    const earned = part(scoreWeight(node.score), weights, members.length);
    const explores = newness === 0 ? 0 : novelty(node.nEff) / newness;
    probabilities[position] = share * ((1 - explored) * earned + explored * explores);
  }
}

/** `weight / total`; an equal part when nothing weighs anything. */
const part = (weight: number, total: number, parts: number): number =>
  total === 0 ? 1 / parts : weight / total;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

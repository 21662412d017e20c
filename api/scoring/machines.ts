/**
 * Who stands behind the candidates: operators, their machines (an endpoint host), and the keys on each machine. Shares
 * divide in that order, because keys are free and hosts are not: how many keys a machine carries changes nothing beside it.
 */
import type { Candidate } from "./candidate.ts";
import { SCORING } from "./constants.ts";

/** One host of one operator. Nodes without a host share one. */
export interface Machine {
  /** Positions of its keys in the list of candidates, ascending. */
  readonly keys: readonly number[];
  readonly bestScore: number;
  /** x of its best-evidenced key: see `novelty`. */
  readonly novelty: number;
}

export interface Operator {
  readonly owner: string;
  /** In order of their hosts' names. */
  readonly machines: readonly Machine[];
  readonly bestScore: number;
  /** x of its best-evidenced key, among all that it ever registered. */
  readonly novelty: number;
}

const { selectionPower, explorationShare, explorationPerNewcomer, exploredHours, hostsCounted } = SCORING;

/** What a score weighs against others. */
export const scoreWeight = (score: number): number => (score / 100) ** selectionPower;

/** How much is left to learn about a node: 1 without evidence, 0 from 72 h of it on. */
export const novelty = (nEff: number): number => Math.max(0, 1 - nEff / exploredHours);

/** A host is capacity, up to five per operator. */
export const capacityOf = ({ machines }: Operator): number => Math.min(machines.length, hostsCounted);

/** Operators in order of their addresses. @param candidates - in order of `nodeId`. */
export function operatorsOf(candidates: readonly Candidate[]): readonly Operator[] {
  const hostsOf = new Map<string, Map<string, number[]>>();
  for (const [position, { owner, host }] of candidates.entries()) {
    const hosts = hostsOf.get(owner) ?? new Map<string, number[]>();
    if (hosts.size === 0) hostsOf.set(owner, hosts);
    const keys = hosts.get(host ?? "");
    if (keys === undefined) hosts.set(host ?? "", [position]);
    else keys.push(position);
  }
  return inOrder(hostsOf).map(([owner, hosts]) => {
    const machines = inOrder(hosts).map(([, keys]) => machineOf(candidates, keys));
    const evidence = [...hosts.values()].flat().map((position) => candidates[position]?.operatorNEff ?? 0);
    return {
      owner,
      machines,
      bestScore: machines.reduce((best, machine) => Math.max(best, machine.bestScore), 0),
      novelty: novelty(evidence.reduce((most, hours) => Math.max(most, hours), 0)),
    };
  });
}

function machineOf(candidates: readonly Candidate[], keys: readonly number[]): Machine {
  let bestScore = 0;
  let mostEvidence = 0;
  for (const position of keys) {
    const key = candidates[position];
    bestScore = Math.max(bestScore, key?.score ?? 0);
    mostEvidence = Math.max(mostEvidence, key?.nEff ?? 0);
  }
  return { keys, bestScore, novelty: novelty(mostEvidence) };
}

/** Each operator's share of all selections, exploration included, before limits. */
export function operatorShares(operators: readonly Operator[]): Float64Array {
  const newness = operators.reduce((sum, operator) => sum + operator.novelty, 0);
  const explored = Math.min(explorationShare, (explorationPerNewcomer * newness) / operators.length);
  return divide(
    1,
    operators.map((operator) => scoreWeight(operator.bestScore) * capacityOf(operator)),
    operators.map((operator) => operator.novelty),
    explored,
  );
}

/** An operator's `share`, by machine. */
export const machineShares = (share: number, { machines }: Operator): Float64Array =>
  divide(
    share,
    machines.map(({ bestScore }) => scoreWeight(bestScore)),
    machines.map((machine) => machine.novelty),
    explorationShare,
  );

/** A machine's `share`, by key. */
export function keyShares(share: number, { keys }: Machine, candidates: readonly Candidate[]): Float64Array {
  // Most machines carry one key.
  if (keys.length === 1) return Float64Array.of(share);
  return divide(
    share,
    keys.map((position) => scoreWeight(candidates[position]?.score ?? 0)),
    keys.map((position) => novelty(candidates[position]?.nEff ?? 0)),
    explorationShare,
  );
}

/** Divides `share`: the part `explored` in proportion to novelties, if there is anything new, the rest to weights. */
function divide(
  share: number,
  weights: readonly number[],
  novelties: readonly number[],
  explored: number,
): Float64Array {
  if (weights.length === 1) return Float64Array.of(share);
  const weight = weights.reduce((sum, value) => sum + value, 0);
  const newness = novelties.reduce((sum, value) => sum + value, 0);
  const exploring = newness === 0 ? 0 : explored;
  return Float64Array.from(weights, (value, index) => {
    // Scores that all round to zero say nothing about each other.
    const earned = weight === 0 ? 1 / weights.length : value / weight;
    const explores = newness === 0 ? 0 : (novelties[index] ?? 0) / newness;
    return share * ((1 - exploring) * earned + exploring * explores);
  });
}

const inOrder = <Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] =>
  [...map].sort(([one], [other]) => (one < other ? -1 : 1));

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

/** Whom a node belongs to and where it is. */
export type Place = Pick<Candidate, "owner" | "host">;

/**
 * The place of each node: equal for those on one machine, and in the order of owners, within one of hosts. Finding it is most
 * of the work of a selection, and it stays the same as long as nobody moves: callers may keep it.
 */
export function placesOf(nodes: readonly Place[]): Int32Array {
  const hostsOf = new Map<string, Map<string, number[]>>();
  for (const [index, { owner, host }] of nodes.entries()) {
    const hosts = hostsOf.get(owner) ?? new Map<string, number[]>();
    if (hosts.size === 0) hostsOf.set(owner, hosts);
    const onHost = hosts.get(host ?? "");
    if (onHost === undefined) hosts.set(host ?? "", [index]);
    else onHost.push(index);
  }
  const places = new Int32Array(nodes.length);
  let place = 0;
  for (const [, hosts] of inOrder(hostsOf))
    for (const [, onHost] of inOrder(hosts)) {
      for (const index of onHost) places[index] = place;
      place += 1;
    }
  return places;
}

/**
 * Operators in order of their addresses.
 * @param candidates - in order of `nodeId`.
 * @param places - of each candidate, by `placesOf` these or more nodes.
 */
export function operatorsOf(candidates: readonly Candidate[], places: Int32Array): readonly Operator[] {
  // Read in a row: by place they would be all over the memory.
  const figures = figuresOf(candidates);
  const operators: Operator[] = [];
  let owner: string | null = null;
  let machines: Machine[] = [];
  let bestScore = 0;
  let mostEvidence = 0;
  const finish = () => {
    if (owner !== null) operators.push({ owner, machines, bestScore, novelty: novelty(mostEvidence) });
  };
  for (const keys of byPlace(places)) {
    const next = candidates[keys[0] ?? 0]?.owner ?? "";
    if (next !== owner) {
      finish();
      owner = next;
      machines = [];
      bestScore = 0;
      mostEvidence = 0;
    }
    for (const position of keys) mostEvidence = Math.max(mostEvidence, figures.operatorNEff[position] ?? 0);
    const machine = machineOf(figures, keys);
    bestScore = Math.max(bestScore, machine.bestScore);
    machines.push(machine);
  }
  finish();
  return operators;
}

/** By position. */
interface Figures {
  readonly score: Float64Array;
  readonly nEff: Float64Array;
  readonly operatorNEff: Float64Array;
}

function figuresOf(candidates: readonly Candidate[]): Figures {
  const { length } = candidates;
  const score = new Float64Array(length);
  const nEff = new Float64Array(length);
  const operatorNEff = new Float64Array(length);
  for (let position = 0; position < length; position++) {
    const candidate = candidates[position];
    score[position] = candidate?.score ?? 0;
    nEff[position] = candidate?.nEff ?? 0;
    operatorNEff[position] = candidate?.operatorNEff ?? 0;
  }
  return { score, nEff, operatorNEff };
}

/** The positions at each place that has any, in order of the places. */
function byPlace(places: Int32Array): readonly (readonly number[])[] {
  const found: (number[] | undefined)[] = [];
  for (let position = 0; position < places.length; position++) {
    const place = places[position] ?? 0;
    const keys = found[place];
    if (keys === undefined) found[place] = [position];
    else keys.push(position);
  }
  return found.filter((keys) => keys !== undefined);
}

function machineOf({ score, nEff }: Figures, keys: readonly number[]): Machine {
  let bestScore = 0;
  let mostEvidence = 0;
  for (const position of keys) {
    bestScore = Math.max(bestScore, score[position] ?? 0);
    mostEvidence = Math.max(mostEvidence, nEff[position] ?? 0);
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

/** A machine's `share`, by key, at the keys' positions in `shares`. */
export function shareAmongKeys(
  share: number,
  { keys }: Machine,
  candidates: readonly Candidate[],
  shares: Float64Array,
): void {
  const [only] = keys;
  // Most machines carry one key.
  if (keys.length === 1 && only !== undefined) {
    shares[only] = share;
    return;
  }
  const parts = divide(
    share,
    keys.map((position) => scoreWeight(candidates[position]?.score ?? 0)),
    keys.map((position) => novelty(candidates[position]?.nEff ?? 0)),
    explorationShare,
  );
  for (const [index, position] of keys.entries()) shares[position] = parts[index] ?? 0;
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
  const parts = new Float64Array(weights.length);
  for (let index = 0; index < parts.length; index++) {
    // Scores that all round to zero say nothing about each other.
    const earned = weight === 0 ? 1 / weights.length : (weights[index] ?? 0) / weight;
    const explores = newness === 0 ? 0 : (novelties[index] ?? 0) / newness;
    parts[index] = share * ((1 - exploring) * earned + exploring * explores);
  }
  return parts;
}

const inOrder = <Value>(map: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] =>
  [...map].sort(([one], [other]) => (one < other ? -1 : 1));

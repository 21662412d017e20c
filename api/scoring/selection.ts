/** Chooses among the nodes that passed. Weights are computed once per set of candidates; a draw costs a hash and a search. */
import { type Candidate, type Probability, toProbability } from "./candidate.ts";
import { SCORING } from "./constants.ts";
import { withinLimits } from "./limits.ts";
import { operatorShares, operatorsOf, placesOf, shareAmongKeys } from "./machines.ts";
import { seededUniforms } from "./seed.ts";

/** `weighted` by score within limits, the `best` scores in order, or `random` as SDKs choose today. */
export type Strategy = "weighted" | "best" | "random";

/** A set of candidates, ready to be drawn from any number of times. */
export interface Selection<C extends Candidate = Candidate> {
  /** In order of `nodeId`; for `best`, in order of score. */
  readonly candidates: readonly C[];
  /** Of being drawn first, by position. */
  readonly probabilities: Float64Array;
  /** Running sums of the probabilities. */
  readonly cumulative: Float64Array;
  readonly strategy: Strategy;
}

export interface Pick<C extends Candidate = Candidate> {
  readonly candidate: C;
  /** From 1: the first to use, then its fallbacks. */
  readonly rank: number;
  /** That this node is ranked first. */
  readonly probability: Probability;
}

const byId = (one: Candidate, other: Candidate): number => (one.nodeId < other.nodeId ? -1 : 1);

const byScore = (one: Candidate, other: Candidate): number => other.score - one.score || byId(one, other);

/**
 * @param candidates - any order; the answer does not depend on it.
 * @param places - of each candidate, in their order.
 */
export function prepareSelection<C extends Candidate>(
  candidates: readonly C[],
  strategy: Strategy,
  places: Int32Array = placesOf(candidates),
): Selection<C> {
  const order = inOrder(candidates, strategy === "best" ? byScore : byId);
  const ordered = order === null ? candidates : order.map(({ candidate }) => candidate);
  const orderedPlaces = order === null ? places : Int32Array.from(order, ({ index }) => places[index] ?? 0);
  const probabilities = probabilitiesOf(ordered, strategy, orderedPlaces);
  const cumulative = new Float64Array(ordered.length);
  let total = 0;
  for (let position = 0; position < cumulative.length; position++) {
    total += probabilities[position] ?? 0;
    cumulative[position] = total;
  }
  return { candidates: ordered, probabilities, cumulative, strategy };
}

/** The candidates with their indexes, sorted; null when they are in order already, as whoever keeps them has them. */
function inOrder<C extends Candidate>(
  candidates: readonly C[],
  compare: (one: Candidate, other: Candidate) => number,
): readonly { readonly candidate: C; readonly index: number }[] | null {
  const sorted = candidates.every((candidate, index) => {
    const before = candidates[index - 1];
    return before === undefined || compare(before, candidate) < 0;
  });
  if (sorted) return null;
  return candidates
    .map((candidate, index) => ({ candidate, index }))
    .sort((one, other) => compare(one.candidate, other.candidate));
}

/** By position of the ordered candidates. */
function probabilitiesOf(
  candidates: readonly Candidate[],
  strategy: Strategy,
  places: Int32Array,
): Float64Array {
  const probabilities = new Float64Array(candidates.length);
  if (strategy === "random") return probabilities.fill(1 / candidates.length);
  if (strategy === "best") return probabilities.fill(1, 0, 1);
  const operators = operatorsOf(candidates, places);
  const shares = withinLimits(operators, operatorShares(operators));
  for (const [order, { machines }] of operators.entries()) {
    const ofMachines = shares[order];
    for (let index = 0; index < machines.length; index++) {
      const machine = machines[index];
      if (machine !== undefined) shareAmongKeys(ofMachines?.[index] ?? 0, machine, candidates, probabilities);
    }
  }
  return probabilities;
}

/**
 * The first `count` nodes of a draw without replacement: each rank falls on the nodes left in proportion to their
 * probabilities. The same selection, seed and count give the same list, and a shorter count its beginning.
 * @param count - 1 to 20. @returns fewer when there are fewer nodes.
 * @throws {RangeError} when `count` is out of range.
 */
export function draw<C extends Candidate>(
  selection: Selection<C>,
  seed: string,
  count: number,
): readonly Pick<C>[] {
  if (!Number.isInteger(count) || count < 1 || count > SCORING.mostSelected)
    throw new RangeError(`count ${count} is not a whole number from 1 to ${SCORING.mostSelected}`);
  const size = Math.min(count, selection.candidates.length);
  const positions =
    selection.strategy === "best"
      ? Array.from({ length: size }, (_, position) => position)
      : drawPositions(selection, seededUniforms(seed, size));
  const picks: Pick<C>[] = [];
  for (const position of positions) {
    const candidate = selection.candidates[position];
    if (candidate === undefined)
      throw new RangeError(`position ${position} is no candidate's; check the draw`);
    const probability = toProbability(selection.probabilities[position] ?? 0);
    picks.push({ candidate, rank: picks.length + 1, probability });
  }
  return picks;
}

/** One position per uniform number: the number is stretched over the mass that is left, past what was drawn before. */
function drawPositions(
  { cumulative, probabilities }: Selection,
  uniforms: readonly number[],
): readonly number[] {
  const drawn: number[] = [];
  const massOf = (position: number) => probabilities[position] ?? 0;
  const startOf = (position: number) => (position === 0 ? 0 : (cumulative[position - 1] ?? 0));
  const total = cumulative.at(-1) ?? 0;
  for (const uniform of uniforms) {
    const ascending = [...drawn].sort((one, other) => one - other);
    let point = uniform * ascending.reduce((mass, position) => mass - massOf(position), total);
    for (const position of ascending) if (point >= startOf(position)) point += massOf(position);
    drawn.push(nextFree(firstAbove(cumulative, point), drawn, cumulative.length));
  }
  return drawn;
}

/** First position whose running sum exceeds `point`. */
function firstAbove(cumulative: Float64Array, point: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cumulative[middle] ?? 0) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Where rounding, or a mass too small for it, ends on a drawn position: the next one that is not, from the start after the end. */
function nextFree(position: number, drawn: readonly number[], length: number): number {
  let free = position;
  while (drawn.includes(free)) free = (free + 1) % length;
  return free;
}

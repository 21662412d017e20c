/**
 * Limits on what one operator, and one machine, may be asked to carry: no operator above one half, no machine above three
 * times the mean share. What is above goes to peers (operators whose best score is at least 0.8 of the limited one's) in
 * proportion to their shares and up to their own limits; what nobody may take stays.
 *
 * An operator's limit grows with the machines of it that could carry their part: those that score at least 0.8 of the
 * best of the other operators. Measured against others, it never rises when an operator lowers a score of its own.
 */
import { SCORING } from "./constants.ts";
import { capacityOf, type Machine, machineShares, type Operator } from "./machines.ts";

const { operatorLimit, nodeLimit, peerScoreShare } = SCORING;

export interface Limits {
  /** Above this a machine's share is cut. */
  readonly machine: number;
  /** By operator: above this its share is cut. */
  readonly most: Float64Array;
  /** By operator: up to this it may receive what others may not keep. */
  readonly receives: Float64Array;
  /** By operator: the least that a machine scores that may carry more than its own part. */
  readonly carrierScore: Float64Array;
}

/**
 * What is earned is cut by a mean over at most five machines per operator, so that an operator's further hosts never lower
 * another's limit; what may be received, by the mean over all machines.
 */
export function limitsOf(operators: readonly Operator[]): Limits {
  const capacity = operators.reduce((sum, operator) => sum + capacityOf(operator), 0);
  const hosts = operators.reduce((sum, { machines }) => sum + machines.length, 0);
  const [first = 0, second = 0] = operators
    .map(({ bestScore }) => bestScore)
    .sort((one, other) => other - one);
  const carrierScore = Float64Array.from(
    operators,
    ({ bestScore }) => peerScoreShare * (bestScore === first ? second : first),
  );
  const carriers = operators.map(({ machines }, order) => carriersOf(machines, carrierScore[order] ?? 0));
  return {
    machine: nodeLimit / capacity,
    most: Float64Array.from(carriers, ({ length }) =>
      Math.min(operatorLimit, (nodeLimit / capacity) * Math.max(1, length)),
    ),
    receives: Float64Array.from(carriers, ({ length }) =>
      Math.min(operatorLimit, (nodeLimit / hosts) * length),
    ),
    carrierScore,
  };
}

const carriersOf = (machines: readonly Machine[], score: number): readonly Machine[] =>
  machines.filter(({ bestScore }) => bestScore >= score);

/**
 * @param earned - shares of the operators, in their order; they sum to 1.
 * @returns the shares of each operator's machines, in their order.
 */
export function withinLimits(operators: readonly Operator[], earned: Float64Array): readonly Float64Array[] {
  const limits = limitsOf(operators);
  const shares = earned.map((share, order) => Math.min(share, limits.most[order] ?? 0));
  const givers = operators
    .map(({ bestScore }, order) => ({
      bestScore,
      order,
      excess: (earned[order] ?? 0) - (shares[order] ?? 0),
    }))
    .filter(({ excess }) => excess > 0)
    // The worst first: by falling behind another giver nobody keeps what it would have had to give.
    .sort((one, other) => one.bestScore - other.bestScore || one.order - other.order);
  for (const giver of givers) {
    const peers = operators
      .map((operator, order) => ({ ...operator, order, share: shares[order] ?? 0 }))
      .filter(
        ({ order, bestScore }) => order !== giver.order && bestScore >= peerScoreShare * giver.bestScore,
      )
      .map(({ order, share }) => ({ order, share, room: (limits.receives[order] ?? 0) - share }))
      .filter(({ share, room }) => share > 0 && room > 0);
    const left = fill(giver.excess, peers, ({ order, share }, part) => {
      shares[order] = share + part;
    });
    shares[giver.order] = (shares[giver.order] ?? 0) + left;
  }
  return operators.map((operator, order) =>
    amongMachines(operator, shares[order] ?? 0, limits.machine, limits.carrierScore[order] ?? 0),
  );
}

/**
 * An operator's share by machine: what is above a machine's limit goes to its other carriers below theirs, unless they are
 * much worse than its best.
 */
function amongMachines(operator: Operator, share: number, limit: number, carrierScore: number): Float64Array {
  const earned = machineShares(share, operator);
  const shares = earned.map((value) => Math.min(value, limit));
  const excess = earned.reduce((sum, value, index) => sum + value - (shares[index] ?? 0), 0);
  if (excess <= 0) return earned;
  const lowestScore = Math.max(carrierScore, peerScoreShare * operator.bestScore);
  const places = operator.machines
    .map(({ bestScore }, index) => ({ bestScore, index, share: shares[index] ?? 0 }))
    .filter((place) => place.bestScore >= lowestScore && place.share > 0 && place.share < limit)
    .map(({ index, share: before }) => ({ index, share: before, room: limit - before }));
  const stays =
    fill(excess, places, ({ index, share: before }, part) => {
      shares[index] = before + part;
    }) / excess;
  return shares.map((value, index) => value + stays * Math.max(0, (earned[index] ?? 0) - limit));
}

interface Taker {
  readonly share: number;
  readonly room: number;
}

/** Divides `amount` in proportion to `share`, nobody getting more than its `room`. @returns what is left. */
function fill<T extends Taker>(
  amount: number,
  takers: readonly T[],
  give: (taker: T, amount: number) => void,
): number {
  // Those that fill up first come first; what they cannot take goes to the rest.
  const ordered = [...takers].sort((one, other) => one.room * other.share - other.room * one.share);
  // Shares of those not served yet: added up from the end, because what is left of a large sum is no small share.
  const waiting = new Float64Array(ordered.length + 1);
  for (const [index, { share }] of [...ordered.entries()].reverse())
    waiting[index] = (waiting[index + 1] ?? 0) + share;
  let left = amount;
  for (const [index, taker] of ordered.entries()) {
    const part = Math.min(taker.room, left * (taker.share / (waiting[index] ?? taker.share)));
    give(taker, part);
    left -= part;
  }
  return Math.max(0, left);
}

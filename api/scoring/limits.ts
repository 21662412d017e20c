/** Limits on what one operator, and one machine, may be asked to carry. */
import { SCORING } from "./constants.ts";
import { capacity, type Operator } from "./operatorShares.ts";

interface Limits {
  /** Above this an operator's share is cut. */
  readonly most: Float64Array;
  /** Up to this it may receive what others may not keep. */
  readonly receives: Float64Array;
}

/**
 * No operator above one half, no node above three times the mean share. Machines are counted by host, and an operator's
 * beyond the fifth only for what it may receive: more keys or names of one operator never lower another's limit.
 */
export function limitsOf(operators: readonly Operator[]): Limits {
  let machines = 0;
  let hosts = 0;
  for (const operator of operators) {
    machines += capacity(operator.hosts);
    hosts += operator.hosts;
  }
  const limit = (mean: number) =>
    Float64Array.from(operators, ({ largestPart }) =>
      Math.min(SCORING.operatorLimit, (SCORING.nodeLimit * mean) / largestPart),
    );
  return { most: limit(1 / machines), receives: limit(1 / hosts) };
}

/**
 * Moves what is above a limit to peers below theirs, in proportion to their shares; what no peer may take stays. Peers
 * are operators whose best score is at least 0.8 of the limited one's.
 * @param shares - by operator; sums to 1.
 */
export function applyLimits(operators: readonly Operator[], shares: Float64Array): Float64Array {
  const { most, receives } = limitsOf(operators);
  const limited = Float64Array.from(shares);
  const at = (values: Float64Array, index: number): number => values[index] ?? 0;
  const above = operators
    .map((operator, index) => ({ ...operator, index, excess: at(shares, index) - at(most, index) }))
    .filter(({ excess }) => excess > 0)
    // The best first: it has the fewest peers.
    .sort((one, other) => other.bestScore - one.bestScore || one.index - other.index);
  for (const { index: from, bestScore, excess } of above) {
    const peers = operators
      .map((operator, index) => ({
        ...operator,
        index,
        share: at(limited, index),
        most: at(receives, index),
      }))
      .filter(
        (peer) =>
          peer.index !== from &&
          peer.bestScore >= SCORING.peerScoreShare * bestScore &&
          peer.share > 0 &&
          peer.share < peer.most,
      )
      // Those that fill up first, first.
      .sort((one, other) => one.most / one.share - other.most / other.share || one.index - other.index);
    let left = excess;
    let waiting = peers.reduce((total, { share }) => total + share, 0);
    for (const peer of peers) {
      const given = Math.min(peer.most - peer.share, (left * peer.share) / waiting);
      limited[peer.index] = peer.share + given;
      left -= given;
      waiting -= peer.share;
    }
    limited[from] = at(limited, from) - (excess - left);
  }
  return limited;
}

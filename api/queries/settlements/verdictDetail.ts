/** The reason of a settlement's verdict as a sentence, with the values and the rule. */

/** What a verdict follows from. */
export interface JudgedSettlement {
  /** A stable slug; null when there is nothing to say. */
  readonly reason: string | null;
  /** What was said of a batch's blob; null when its values give the root. */
  readonly detail: string | null;
  readonly batchSize: bigint | null;
  readonly leafCount: number | null;
  readonly invalidLeaves: number | null;
  readonly unknownLeaves: number | null;
}

const REASONS: Readonly<Record<string, string>> = {
  "invalid-signature": "the signature is not the node's over these hashes and this second",
  "unknown-node": "the current registry has no registration of the node at or before this settlement",
  "unknown-key": "no registry has shown the node's key, which the signature needs",
  "no-signature": "the event of an earlier contract carries no signature to check",
};

/** Null when the reason says it all, or there is none. */
export function verdictDetail(settlement: JudgedSettlement): string | null {
  const { reason, detail, batchSize, leafCount, invalidLeaves, unknownLeaves } = settlement;
  if (detail !== null || reason === null) return detail;
  if (leafCount === null) return REASONS[reason] ?? null;
  const of = (count: number) => `${count} of ${leafCount} ${leafCount === 1 ? "leaf" : "leaves"}`;
  return [
    ...(invalidLeaves ? [`${of(invalidLeaves)} with a signature that is not the node's`] : []),
    ...(unknownLeaves
      ? [
          `${of(unknownLeaves)} of a node that the current registry did not have by then, or without a known key`,
        ]
      : []),
    ...(batchSize === BigInt(leafCount)
      ? []
      : [`the event says ${batchSize} leaves, the blob has ${leafCount}`]),
  ].join("; ");
}

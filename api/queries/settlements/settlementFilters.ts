/** What settlements can be filtered by. */
import {
  ADDRESS,
  BLOB_ID,
  type Filters,
  type FilterValues,
  HASH,
  oneOf,
  TIME_RANGE,
} from "../state/filters.ts";

export const SETTLEMENT_KINDS = ["individual", "batch", "legacy"] as const;
export type SettlementKind = (typeof SETTLEMENT_KINDS)[number];

export const VERDICTS = ["pending", "verified", "partial", "invalid", "unavailable", "unverifiable"] as const;
export type Verdict = (typeof VERDICTS)[number];

export const SETTLEMENT_FILTERS = {
  ...TIME_RANGE,
  kind: oneOf(SETTLEMENT_KINDS),
  teeId: HASH,
  /** The payer that an individual settlement claims. */
  payer: ADDRESS,
  relayer: ADDRESS,
  verdict: oneOf(VERDICTS),
  merkleRoot: HASH,
  txHash: HASH,
  blobId: BLOB_ID,
  /** Individual settlements of this inference, and batches with a leaf of it. */
  inferenceId: HASH,
} as const satisfies Filters;

export type SettlementFilters = FilterValues<typeof SETTLEMENT_FILTERS>;

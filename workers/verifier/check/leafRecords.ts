/**
 * The leaves of a batch as fixed-layout records in one buffer, which is handed between threads without a copy and sent to
 * Postgres unchanged. A record is
 *
 *     teeId 32 ‖ inputHash 32 ‖ outputHash 32 ‖ timestamp 32 ‖ inference id 32 ‖ signature n ‖ signature key 32
 *
 * The id is the hash of the first four words; the signature key is the hash of id and signature.
 */
import { WORD } from "../../../proofs/words.ts";
import { clampToSafe } from "../../../src/decode/number.ts";
import { bucketStart, HOUR_SECONDS } from "../../../src/decode/timeBuckets.ts";

/** The offset of each part of a record, in bytes. */
export const RECORD = {
  teeId: 0,
  inputHash: WORD,
  outputHash: 2 * WORD,
  timestamp: 3 * WORD,
  inferenceId: 4 * WORD,
  signature: 5 * WORD,
} as const;
/** Bytes of a record, not counting its signature. */
export const RECORD_OVERHEAD = 6 * WORD;

export const INVALID = 0;
export const VALID = 1;
/** The node's key is not known yet. */
export const UNDECIDED = 2;

/** An hour in which a node signed something; `startAt` is its first second. */
export interface NodeHour {
  readonly teeId: string;
  readonly startAt: number;
}

export interface LeafRecords {
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each record begins, followed by where the last one ends: `count + 1` values. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** `INVALID`, `VALID` or `UNDECIDED` per leaf. */
  readonly validity: Uint8Array<ArrayBuffer>;
  /** Each timestamp in decimal. */
  readonly timestamps: readonly string[];
  /** The hours that valid leaves count in, without duplicates. */
  readonly nodeHours: readonly NodeHour[];
}

/** The hour that an inference counts in, from the enclave's own timestamp clamped to 2^53-1. */
export const hourOf = (timestamp: bigint): number => bucketStart(clampToSafe(timestamp), HOUR_SECONDS);

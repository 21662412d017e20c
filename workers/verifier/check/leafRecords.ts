/**
 * The leaves of a batch as they are recorded, in one buffer that changes threads without a copy and goes to Postgres as it
 * is. A record is
 *
 *     teeId 32 ‖ inputHash 32 ‖ outputHash 32 ‖ timestamp 32 ‖ inference id 32 ‖ signature n ‖ signature key 32
 *
 * The first four words are what the id is the hash of; id and signature, what the signature's key is the hash of.
 */
import { WORD } from "../../../proofs/words.ts";

/** Where the parts of a record begin. */
export const RECORD = {
  teeId: 0,
  inputHash: WORD,
  outputHash: 2 * WORD,
  timestamp: 3 * WORD,
  inferenceId: 4 * WORD,
  signature: 5 * WORD,
} as const;
/** Bytes of a record beside its signature. */
export const RECORD_OVERHEAD = 6 * WORD;

export const INVALID = 0;
export const VALID = 1;
/** No key to check with. */
export const UNDECIDED = 2;

/** An hour, by its first second, in which a node signed. */
export interface NodeHour {
  readonly teeId: string;
  readonly startAt: number;
}

export interface LeafRecords {
  readonly count: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each record begins, and at last where the last one ends: one more than `count`. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  /** `INVALID`, `VALID` or `UNDECIDED`, leaf by leaf. */
  readonly validity: Uint8Array<ArrayBuffer>;
  /** Each timestamp in decimal. */
  readonly timestamps: readonly string[];
  /** Where valid leaves count, without duplicates. */
  readonly nodeHours: readonly NodeHour[];
}

const HOUR_SECONDS = 3600;

/** The hour that an inference counts in; its time is what the enclave said, clamped to 2^53-1. */
export function hourOf(timestamp: bigint): number {
  const seconds = timestamp > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(timestamp);
  return seconds - (seconds % HOUR_SECONDS);
}

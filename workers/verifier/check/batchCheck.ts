/** A batch blob from its bytes to its verdict and the rows to record. Pure, and the verifier's heaviest work. */
import { type BatchLimits, readBatchBlob } from "../../../proofs/batchBlob.ts";
import { type Hex, hexByteLength, writeHex } from "../../../proofs/hex.ts";
import type { SignedInference } from "../../../proofs/inference.ts";
import { keccak256 } from "../../../proofs/keccak.ts";
import { WORD, writeBytes32, writeUint256 } from "../../../proofs/words.ts";
import type { KnownKeys } from "./knownKeys.ts";
import {
  hourOf,
  INVALID,
  type LeafRecords,
  type NodeHour,
  RECORD,
  RECORD_OVERHEAD,
  UNDECIDED,
  VALID,
} from "./leafRecords.ts";

export type BatchCheck =
  | { readonly state: "proven"; readonly leaves: LeafRecords }
  | { readonly state: "invalid"; readonly reason: string; readonly detail: string };

/** @param bytes - strangers' bytes: nothing they hold makes this throw. */
export function checkBatch(
  bytes: Uint8Array,
  merkleRoot: Hex,
  limits: BatchLimits,
  keys: KnownKeys,
): BatchCheck {
  const blob = readBatchBlob(bytes, merkleRoot, limits);
  if ("invalid" in blob) return { state: "invalid", ...blob.invalid };
  return { state: "proven", leaves: recordsOf(blob.leaves, keys) };
}

function recordsOf(leaves: readonly SignedInference[], keys: KnownKeys): LeafRecords {
  const offsets = new Uint32Array(leaves.length + 1);
  for (const [index, { signature }] of leaves.entries())
    offsets[index + 1] = (offsets[index] ?? 0) + RECORD_OVERHEAD + hexByteLength(signature);
  const bytes = Buffer.from(new ArrayBuffer(offsets[leaves.length] ?? 0));
  const validity = new Uint8Array(leaves.length);
  const nodeHours = new Map<string, NodeHour>();
  for (const [index, leaf] of leaves.entries()) {
    const record = bytes.subarray(offsets[index], offsets[index + 1]);
    const valid = writeRecord(record, leaf, keys);
    validity[index] = valid === null ? UNDECIDED : valid ? VALID : INVALID;
    if (valid !== true) continue;
    const startAt = hourOf(leaf.timestamp);
    const hour = `${leaf.teeId}${startAt}`;
    if (!nodeHours.has(hour)) nodeHours.set(hour, { teeId: leaf.teeId, startAt });
  }
  return {
    count: leaves.length,
    bytes: new Uint8Array(bytes.buffer),
    offsets,
    validity,
    timestamps: leaves.map(({ timestamp }) => timestamp.toString()),
    nodeHours: [...nodeHours.values()],
  };
}

/** @returns whether the signature is its node's; null while the node's key is not known. */
function writeRecord(record: Buffer, leaf: SignedInference, keys: KnownKeys): boolean | null {
  const keyAt = record.length - WORD;
  writeBytes32(leaf.teeId, record, RECORD.teeId);
  writeBytes32(leaf.inputHash, record, RECORD.inputHash);
  writeBytes32(leaf.outputHash, record, RECORD.outputHash);
  writeUint256(leaf.timestamp, record, RECORD.timestamp);
  writeHex(leaf.signature, record, RECORD.signature, keyAt - RECORD.signature);
  record.set(keccak256(record.subarray(RECORD.teeId, RECORD.inferenceId)), RECORD.inferenceId);
  record.set(keccak256(record.subarray(RECORD.inferenceId, keyAt)), keyAt);
  const digest = keccak256(record.subarray(RECORD.inputHash, RECORD.inferenceId));
  return keys.verify(leaf.teeId, digest, record.subarray(RECORD.signature, keyAt));
}

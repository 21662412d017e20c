/** Checks a batch blob: from its bytes to a verdict and the rows to record. Pure, and the verifier's most expensive work. */
import { type BatchLimits, readBatchBlob } from "../../../proofs/batchBlob.ts";
import { type Hex, hexByteLength, writeHex } from "../../../proofs/hex.ts";
import type { SignedInference } from "../../../proofs/inference.ts";
import { keccak256 } from "../../../proofs/keccak.ts";
import { leafHash, MerkleTree } from "../../../proofs/merkle.ts";
import { WORD, writeBytes32, writeUint256 } from "../../../proofs/words.ts";
import { type DumpedLeaves, readCanonicalDump } from "./canonicalDump.ts";
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
  | { readonly state: "proven"; readonly leaves: LeafRecords; readonly tree: Uint8Array<ArrayBuffer> }
  | { readonly state: "invalid"; readonly reason: string; readonly detail: string };

/** @param bytes - untrusted; no input makes this throw. */
export function checkBatch(
  bytes: Uint8Array,
  merkleRoot: Hex,
  limits: BatchLimits,
  keys: KnownKeys,
): BatchCheck {
  const dumped = readCanonicalDump(bytes, limits);
  const tree = dumped === null ? null : treeOf(dumped);
  if (dumped !== null && tree !== null && tree.root === merkleRoot)
    return { state: "proven", leaves: checkSignatures(dumped, keys), tree: tree.bytes };
  // not in canonical form, or invalid: the general reader tells which, and why
  const blob = readBatchBlob(bytes, merkleRoot, limits);
  if ("invalid" in blob) return { state: "invalid", ...blob.invalid };
  const { bytes: kept } = new MerkleTree(blob.leaves.map(leafHash));
  return { state: "proven", leaves: checkSignatures(recordsOf(blob.leaves), keys), tree: kept };
}

function recordsOf(leaves: readonly SignedInference[]): DumpedLeaves {
  const offsets = new Uint32Array(leaves.length + 1);
  for (const [index, { signature }] of leaves.entries())
    offsets[index + 1] = (offsets[index] ?? 0) + RECORD_OVERHEAD + hexByteLength(signature);
  const bytes = Buffer.from(new ArrayBuffer(offsets[leaves.length] ?? 0));
  for (const [index, leaf] of leaves.entries()) {
    const record = bytes.subarray(offsets[index], offsets[index + 1]);
    writeBytes32(leaf.teeId, record, RECORD.teeId);
    writeBytes32(leaf.inputHash, record, RECORD.inputHash);
    writeBytes32(leaf.outputHash, record, RECORD.outputHash);
    writeUint256(leaf.timestamp, record, RECORD.timestamp);
    writeHex(leaf.signature, record, RECORD.signature, hexByteLength(leaf.signature));
  }
  return { count: leaves.length, bytes, offsets, timestamps: leaves.map(({ timestamp }) => timestamp) };
}

/** abi.encode(bytes32, bytes32, bytes32, bytes, uint256): hashes, the signature's offset, timestamp, length, signature. */
const LEAF = {
  signatureOffset: 3 * WORD,
  timestamp: 4 * WORD,
  signatureLength: 5 * WORD,
  signature: 6 * WORD,
};

/** Builds the tree over records whose signatures all have the same length, a multiple of 32 bytes. */
function treeOf({ count, bytes, offsets }: DumpedLeaves): MerkleTree {
  const signatureBytes = (offsets[1] ?? 0) - RECORD_OVERHEAD;
  const encoding = Buffer.alloc(LEAF.signature + signatureBytes);
  writeUint256(BigInt(LEAF.signatureLength), encoding, LEAF.signatureOffset);
  writeUint256(BigInt(signatureBytes), encoding, LEAF.signatureLength);
  const hashes: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const from = offsets[index] ?? 0;
    bytes.copy(encoding, 0, from, from + RECORD.timestamp);
    bytes.copy(encoding, LEAF.timestamp, from + RECORD.timestamp, from + RECORD.inferenceId);
    bytes.copy(encoding, LEAF.signature, from + RECORD.signature, from + RECORD.signature + signatureBytes);
    hashes.push(keccak256(keccak256(encoding)));
  }
  return new MerkleTree(hashes);
}

/** Completes the records: fills in ids and signature keys, and checks each signature against its node's key. */
function checkSignatures({ count, bytes, offsets, timestamps }: DumpedLeaves, keys: KnownKeys): LeafRecords {
  const validity = new Uint8Array(count);
  const hours = new Map<string, Set<number>>();
  for (let index = 0; index < count; index++) {
    const from = offsets[index] ?? 0;
    const keyAt = (offsets[index + 1] ?? 0) - WORD;
    const signatureAt = from + RECORD.signature;
    bytes.set(keccak256(bytes.subarray(from, from + RECORD.inferenceId)), from + RECORD.inferenceId);
    bytes.set(keccak256(bytes.subarray(from + RECORD.inferenceId, keyAt)), keyAt);
    const digest = keccak256(bytes.subarray(from + RECORD.inputHash, from + RECORD.inferenceId));
    const teeId = `0x${bytes.toString("hex", from, from + WORD)}`;
    const valid = keys.verify(teeId, digest, bytes.subarray(signatureAt, keyAt));
    validity[index] = valid === null ? UNDECIDED : valid ? VALID : INVALID;
    if (valid !== true) continue;
    const ofNode = hours.get(teeId) ?? new Set();
    hours.set(teeId, ofNode.add(hourOf(timestamps[index] ?? 0n)));
  }
  const nodeHours = [...hours].flatMap(([teeId, starts]): NodeHour[] =>
    [...starts].map((startAt) => ({ teeId, startAt })),
  );
  return {
    count,
    bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length),
    offsets,
    validity,
    timestamps: timestamps.map(String),
    nodeHours,
  };
}

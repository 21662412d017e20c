/** The tasks of checking threads and their answers. Pure. */
import type { BatchLimits } from "../../../proofs/batchBlob.ts";
import { bytesOf, type Hex } from "../../../proofs/hex.ts";
import { settlementDigest } from "../../../proofs/inference.ts";
import { type PayloadReading, readPayload } from "../../../proofs/payload.ts";
import type { ExpectedInference } from "../../../proofs/payloadClaims.ts";
import type { PayloadLimits } from "../../../proofs/payloadLimits.ts";
import { type BatchCheck, checkBatch } from "./batchCheck.ts";
import type { KnownKeys } from "./knownKeys.ts";

interface BatchTask {
  readonly kind: "batch";
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly merkleRoot: Hex;
  readonly limits: BatchLimits;
}

interface PayloadTask {
  readonly kind: "payload";
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly expected: ExpectedInference;
  readonly limits: PayloadLimits;
}

export interface SignatureToCheck {
  readonly teeId: Hex;
  readonly inputHash: Hex;
  readonly outputHash: Hex;
  /** A uint256 in decimal. */
  readonly timestamp: string;
  /** Null when it is not 256 bytes long and therefore invalid. */
  readonly signature: Hex | null;
}

interface SignaturesTask {
  readonly kind: "signatures";
  readonly signatures: readonly SignatureToCheck[];
}

export type Task = BatchTask | PayloadTask | SignaturesTask;

export interface AnswerTo {
  readonly batch: BatchCheck;
  readonly payload: PayloadReading;
  /** One per signature; null while the node's key is not known. */
  readonly signatures: readonly (boolean | null)[];
}

const NOTHING = new Uint8Array();

function checkSignature(
  { teeId, inputHash, outputHash, timestamp, signature }: SignatureToCheck,
  keys: KnownKeys,
): boolean | null {
  const digest = settlementDigest(inputHash, outputHash, BigInt(timestamp));
  return keys.verify(teeId, digest, signature === null ? NOTHING : bytesOf(signature));
}

export function perform(task: Task, keys: KnownKeys): AnswerTo[Task["kind"]] {
  switch (task.kind) {
    case "batch":
      return checkBatch(task.bytes, task.merkleRoot, task.limits, keys);
    case "payload":
      return readPayload(task.bytes, task.expected, task.limits);
    case "signatures":
      return task.signatures.map((signature) => checkSignature(signature, keys));
  }
}

/** The buffers of a task or an answer, which are transferred instead of copied. */
export function transferable(message: Task | AnswerTo[Task["kind"]]): ArrayBuffer[] {
  if ("bytes" in message) return [message.bytes.buffer];
  if ("leaves" in message) {
    const { bytes, offsets, validity } = message.leaves;
    return [bytes.buffer, offsets.buffer, validity.buffer, message.tree.buffer];
  }
  return [];
}

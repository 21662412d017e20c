/**
 * An inference as enclaves sign it and settlements carry it, and the keys it is known by.
 * @see docs/protocol.md, "Batches and signatures"
 */
import { bytesOf, type Hex, hexByteLength, hexOf, notHex, writeHex } from "./hex.ts";
import { keccak256, keccak256Hex } from "./keccak.ts";
import { WORD, writeBytes32, writeUint256 } from "./words.ts";

/** What makes an inference that inference. */
export interface InferenceFields {
  /** 32 bytes: keccak256 of the node's public key. */
  readonly teeId: Hex;
  /** 32 bytes. */
  readonly inputHash: Hex;
  /** 32 bytes. */
  readonly outputHash: Hex;
  /** Unix seconds by the enclave's clock; any uint256. */
  readonly timestamp: bigint;
}

/** The same with a signature somebody says is the enclave's: a leaf of a batch, or an individual settlement. */
export interface SignedInference extends InferenceFields {
  /** RSA-PSS, so 256 bytes when it is one; any bytes may stand here. */
  readonly signature: Hex;
}

// teeId ‖ inputHash ‖ outputHash ‖ timestamp, which is also their abi.encode; the signed message is its tail.
const words = Buffer.alloc(4 * WORD);
const signedWords = words.subarray(WORD);

function writeSignedWords(inputHash: Hex, outputHash: Hex, timestamp: bigint): void {
  writeBytes32(inputHash, words, WORD);
  writeBytes32(outputHash, words, 2 * WORD);
  writeUint256(timestamp, words, 3 * WORD);
}

function writeFields({ teeId, inputHash, outputHash, timestamp }: InferenceFields): void {
  writeBytes32(teeId, words, 0);
  writeSignedWords(inputHash, outputHash, timestamp);
}

/**
 * One inference, however often it is settled: keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)).
 * @throws {RangeError} when a field has another shape.
 */
export function inferenceId(fields: InferenceFields): Hex {
  writeFields(fields);
  return keccak256Hex(words);
}

/**
 * The 32 bytes an enclave signs: keccak256(inputHash ‖ outputHash ‖ uint256(timestamp)).
 * @throws {RangeError} when a field has another shape.
 */
export function settlementDigest(inputHash: Hex, outputHash: Hex, timestamp: bigint): Uint8Array {
  writeSignedWords(inputHash, outputHash, timestamp);
  return keccak256(signedWords);
}

const keyOf = (hash: Hex, bytes: Hex): Hex => keccak256Hex(Buffer.concat([bytesOf(hash), bytesOf(bytes)]));

/** The key of a signature over an inference: keccak256(inference id ‖ the signature's bytes). */
export const signatureKey = (inferenceId: Hex, signature: Hex): Hex => keyOf(inferenceId, signature);

/** The key of a batch: keccak256(merkleRoot ‖ the blob id's bytes, whatever they are). */
export const batchKey = (merkleRoot: Hex, blobIdHex: Hex): Hex => keyOf(merkleRoot, blobIdHex);

/** The key of a payload: keccak256(inference id ‖ the blob id's bytes, whatever they are). */
export const payloadKey = (inferenceId: Hex, blobIdHex: Hex): Hex => keyOf(inferenceId, blobIdHex);

/** All that checking and recording a signed inference needs, at the cost of reading its fields once. */
export interface SignatureFacts {
  readonly inferenceId: Hex;
  readonly signatureKey: Hex;
  /** The 32 bytes that were signed. */
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** @throws {RangeError} when a field has another shape. */
export function signatureFacts(signed: SignedInference): SignatureFacts {
  writeFields(signed);
  const id = keccak256(words);
  const digest = keccak256(signedWords);
  const signatureBytes = hexByteLength(signed.signature);
  const idAndSignature = Buffer.allocUnsafe(WORD + signatureBytes);
  idAndSignature.set(id);
  if (!writeHex(signed.signature, idAndSignature, WORD, signatureBytes))
    throw notHex(signed.signature, "0x-prefixed hex");
  return {
    inferenceId: hexOf(id),
    signatureKey: keccak256Hex(idAndSignature),
    digest,
    signature: idAndSignature.subarray(WORD),
  };
}

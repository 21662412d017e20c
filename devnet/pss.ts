/**
 * RSA-PSS signatures as TEE nodes make them (RFC 8017, 9.1.1: SHA-256, MGF1-SHA-256, salt of 32 bytes), with
 * the salt derived from key and message: OpenSSL's are random, and the devnet repeats itself to the byte.
 */
import { constants, createHash, privateEncrypt } from "node:crypto";
import { concatHex, type Hex, keccak256, numberToHex } from "viem";
import type { SigningKey } from "./rsaKeys.ts";

const ENCODED_LENGTH = 256;
const HASH_LENGTH = 32;

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The message of an inference: `keccak256(inputHash ‖ outputHash ‖ uint256(timestamp))`. */
export const inferenceMessage = (inputHash: Hex, outputHash: Hex, timestamp: number): Hex =>
  keccak256(concatHex([inputHash, outputHash, numberToHex(timestamp, { size: 32 })]));

/** The message of a heartbeat: `keccak256(teeId ‖ uint256(timestamp))`. */
export const heartbeatMessage = (teeId: Hex, timestamp: number): Hex =>
  keccak256(concatHex([teeId, numberToHex(timestamp, { size: 32 })]));

/** Signs 32 bytes; the answer is 256 bytes. */
export function signPss(key: SigningKey, message: Hex): Hex {
  const messageBytes = Buffer.from(message.slice(2), "hex");
  const salt = sha256(Buffer.from("devnet pss salt"), Buffer.from(key.teeId.slice(2), "hex"), messageBytes);
  const hash = sha256(Buffer.alloc(8), sha256(messageBytes), salt);

  const maskedLength = ENCODED_LENGTH - HASH_LENGTH - 1;
  const encoded = Buffer.alloc(ENCODED_LENGTH);
  encoded[maskedLength - HASH_LENGTH - 1] = 1;
  salt.copy(encoded, maskedLength - HASH_LENGTH);
  for (let i = 0, counter = 0; i < maskedLength; counter++) {
    const mask = sha256(hash, Buffer.from([0, 0, 0, counter]));
    for (const byte of mask) {
      if (i === maskedLength) break;
      encoded[i] = (encoded[i] ?? 0) ^ byte;
      i++;
    }
  }
  encoded[0] = (encoded[0] ?? 0) & 0x7f;
  hash.copy(encoded, maskedLength);
  encoded[ENCODED_LENGTH - 1] = 0xbc;

  const signature = privateEncrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, encoded);
  return `0x${signature.toString("hex")}`;
}

/** Solidity's 32-byte words, written into a buffer. */
import { type Hex, notHex, writeHex } from "./hex.ts";

export const WORD = 32;
const UINT64 = 2n ** 64n;

/** @throws {RangeError} when it is not 32 bytes of 0x-prefixed hex. */
export function writeBytes32(hex: Hex, into: Buffer, offset: number): void {
  if (!writeHex(hex, into, offset, WORD)) throw notHex(hex, "32 bytes of 0x-prefixed hex");
}

/**
 * Big-endian, as every uint on chain.
 * @throws {RangeError} when it is not a uint256.
 */
export function writeUint256(value: bigint, into: Buffer, offset: number): void {
  if (value >= 0n && value < UINT64) {
    into.fill(0, offset, offset + WORD - 8);
    into.writeBigUInt64BE(value, offset + WORD - 8);
    return;
  }
  if (value < 0n || value >= UINT64 ** 4n)
    throw new RangeError(`${String(value).slice(0, 80)} is not a uint256`);
  into.write(value.toString(16).padStart(2 * WORD, "0"), offset, WORD, "hex");
}

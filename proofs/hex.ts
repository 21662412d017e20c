/** Converts 0x-prefixed hex to bytes and back. Strings are untrusted: anything that is not exactly hex is refused, never guessed. */

/** 0x-prefixed lower-case hex. */
export type Hex = `0x${string}`;

/** Bytes as 0x-prefixed lower-case hex. */
export const hexOf = (bytes: Uint8Array): Hex =>
  `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;

/**
 * Writes exactly `byteLength` bytes from 0x-prefixed hex of either case.
 * @returns false when the string is anything else; the bytes written are then meaningless.
 */
export function writeHex(hex: string, into: Buffer, offset: number, byteLength: number): boolean {
  return (
    hex.length === 2 + 2 * byteLength &&
    hex.startsWith("0x") &&
    // Node's decoder takes the low byte of a wider character: U+0130 would pass for "0".
    Buffer.byteLength(hex) === hex.length &&
    into.write(hex.slice(2), offset, byteLength, "hex") === byteLength
  );
}

/** How many bytes a string of hex stands for; `writeHex` refuses it when it stands for none. */
export const hexByteLength = (hex: string): number => Math.max(0, Math.floor((hex.length - 2) / 2));

/**
 * The bytes of 0x-prefixed hex of either case and any length.
 * @throws {RangeError} when it is not that.
 */
export function bytesOf(hex: string): Buffer {
  const byteLength = hexByteLength(hex);
  const bytes = Buffer.allocUnsafe(byteLength);
  if (!writeHex(hex, bytes, 0, byteLength)) throw notHex(hex, "0x-prefixed hex");
  return bytes;
}

/** An error with the value, shortened because it is untrusted, and the rule. */
export const notHex = (value: string, rule: string): RangeError =>
  new RangeError(
    `${JSON.stringify(value.slice(0, 80)).replace(/[^ -~]/g, "?")} (${value.length} characters) is not ${rule}`,
  );

/** Whether a string is a 20-byte address, in any letter case; checksums are not verified. */
export const isAddress = (text: string): boolean => /^0x[0-9a-fA-F]{40}$/.test(text);

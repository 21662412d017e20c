import { type Hex, hexToString } from "viem";

const HEX_LENGTH = 2 + 43 * 2;
const BLOB_ID = /^[A-Za-z0-9_-]{43}$/;

/**
 * The Walrus blob id that a relay's bytes spell: 43 base64url characters in UTF-8. Anything else can appear there and
 * gives null; the bytes are kept as they are.
 */
export function blobIdOf(bytes: Hex): string | null {
  if (bytes.length !== HEX_LENGTH) return null;
  const text = hexToString(bytes);
  return BLOB_ID.test(text) ? text : null;
}

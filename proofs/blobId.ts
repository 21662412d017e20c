import { bytesOf, type Hex } from "./hex.ts";

const BLOB_ID_CHARACTERS = 43;
const BLOB_ID = /^[A-Za-z0-9_-]{43}$/;

/**
 * The Walrus blob id that a relay's bytes spell: 43 base64url characters in UTF-8, hence safe in a URL's path.
 * @returns null for anything else, which no aggregator needs to be asked for.
 */
export function blobIdOf(blobIdHex: Hex): string | null {
  if (blobIdHex.length !== 2 + 2 * BLOB_ID_CHARACTERS) return null;
  const text = bytesOf(blobIdHex).toString("latin1");
  return BLOB_ID.test(text) ? text : null;
}

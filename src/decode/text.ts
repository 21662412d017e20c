/** Text that a stranger put on chain, made fit to store, log and show: one rule for what is indexed and what is served. */
import { type Hex, hexToBytes, stringToHex } from "viem";

export interface DisplayText {
  /** Fit to store, log and show: no control or direction-changing characters, at most `maxLength` code points. */
  readonly text: string;
  /** Whether `text` differs from what the bytes say. */
  readonly altered: boolean;
}

// Controls, NUL among them (Postgres refuses it), bidirectional overrides and isolates, zero-width and other
// invisible formatting that lets one name look like another, and line separators.
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
/** The same, but line breaks and tabs stay. */
const UNFIT_IN_PROSE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/**
 * Makes text that a stranger put on chain fit for display. Invalid UTF-8 becomes U+FFFD, unfit characters vanish,
 * the rest is shortened; the bytes themselves are stored beside it.
 * @param bytes - megabytes are fine: only what can matter is decoded.
 */
export function displayText(bytes: Hex, maxLength: number): DisplayText {
  // Four bytes a code point at most; a multiple of what can be shown leaves room for what is dropped.
  const head = bytes.slice(0, 2 + maxLength * 4 * 2 * 4) as Hex;
  const decoded = new TextDecoder("utf-8").decode(hexToBytes(head));
  const text = [...decoded.replace(UNFIT, "")].slice(0, maxLength).join("");
  const altered = head.length !== bytes.length || text !== decoded || decoded.includes("\uFFFD");
  return { text, altered };
}

/** Several lines of text: what a model or its user wrote. At most `maxLength` code points. */
export function displayProse(text: string, maxLength: number): string {
  // A code point is at most two units, and a multiple leaves room for what is dropped.
  const head = text.slice(0, maxLength * 8).replace(UNFIT_IN_PROSE, "");
  return [...head].slice(0, maxLength).join("");
}

/** Whether `text` is exactly what the bytes say. */
export const saysTheSame = (text: string, bytes: Hex): boolean => stringToHex(text) === bytes;

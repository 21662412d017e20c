/** Text that a stranger put on chain, made fit for output. What indexing stores is sanitised; this is for the rest. */

// Controls, bidirectional overrides, zero-width and other invisible formatting, separators, lone surrogates.
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
/** The same, but line breaks and tabs stay. */
const UNFIT_IN_PROSE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

const clean = (text: string, unfit: RegExp, maxLength: number): string => {
  // A code point is at most two units, and a multiple leaves room for what is dropped.
  const head = text.slice(0, maxLength * 8).replace(unfit, "");
  return [...head].slice(0, maxLength).join("");
};

/** One line: drops unfit characters and keeps at most `maxLength` code points. */
export const displayText = (text: string, maxLength: number): string => clean(text, UNFIT, maxLength);

/** Many lines: what a model or its user wrote. */
export const displayProse = (text: string, maxLength: number): string =>
  clean(text, UNFIT_IN_PROSE, maxLength);

/** Decodes 0x hex as UTF-8 for display; invalid sequences become U+FFFD. */
export const displayHexText = (hex: string, maxLength: number): string =>
  displayText(Buffer.from(hex.slice(2, 2 + maxLength * 64), "hex").toString("utf8"), maxLength);

/** Whether `text` is exactly what the bytes say. */
export const saysTheSame = (text: string, hex: string): boolean =>
  `0x${Buffer.from(text, "utf8").toString("hex")}` === hex;

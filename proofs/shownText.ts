// Controls, NUL among them (Postgres refuses it), bidirectional and other invisible formatting, line separators, and
// surrogates without a partner.
const UNFIT = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/**
 * A stranger's text made fit to store, log and print: unfit characters vanish, the rest is cut to `maxLength` code points.
 * @param text - megabytes are fine: only what can matter is looked at.
 */
export function shownText(text: string, maxLength: number): string {
  // Two units a code point at most; a multiple of what can be shown leaves room for what is dropped.
  const head = text.slice(0, maxLength * 2 * 4);
  return [...head.replace(UNFIT, "")].slice(0, maxLength).join("");
}

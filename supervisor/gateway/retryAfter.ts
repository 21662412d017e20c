/** Reads how long a rate-limited caller is asked to wait, from a header or an error's text. */
import type { RpcError } from "./jsonRpc.ts";
import { textOf } from "./jsonRpc.ts";

/** Longer waits are cut to this, in case the endpoint is wrong. */
const MAX_RETRY_AFTER_MS = 60_000;

const bounded = (ms: number): number | undefined =>
  Number.isFinite(ms) && ms > 0 ? Math.min(Math.ceil(ms), MAX_RETRY_AFTER_MS) : undefined;

/**
 * Reads a `Retry-After` header: seconds or an HTTP date.
 * @see https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 * @param nowMs - of the wall clock.
 * @returns milliseconds, at most a minute; undefined without a usable value.
 */
export function readRetryAfter(header: string | null, nowMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(text)) return bounded(Number(text) * 1_000);
  return /[a-z]/i.test(text) ? bounded(Date.parse(text) - nowMs) : undefined;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
/** "backoff_seconds":30, "try_again_in":"55.4ms", "retry after 5 seconds" */
const WAIT_HINTS = [
  /"(?:backoff|back_off|retry_after|retry_in|retryAfter)_?seconds"\s*:\s*"?(\d+(?:\.\d+)?)/i,
  /(?:try_?again_?in|try again in|try again after|retry_?after|retry in|retry after|wait)["\s:]{0,5}(\d+(?:\.\d+)?)\s*(ms|milliseconds?|s|seconds?|secs?|m|min|minutes?)?\b/i,
];

/** Reads the wait from an error's text. */
export function retryAfterIn(error: RpcError): number | undefined {
  const text = textOf(error);
  for (const hint of WAIT_HINTS) {
    const [, amount, unit = "s"] = hint.exec(text) ?? [];
    const short = /^mil|^ms/i.test(unit) ? "ms" : unit.slice(0, 1).toLowerCase();
    if (amount !== undefined) return bounded(Number(amount) * (UNITS[short] ?? 1_000));
  }
  return undefined;
}

/** How long others may keep an answer: until the next block is due, which may change it. */
import { CHAIN_NAMES, type ChainName } from "../../../config/environment.ts";
import { type AsOf, lagSeconds } from "./asOf.ts";

/** From one block to the next. OpenGradient's come every few seconds, Base's every two. */
const BLOCK_SECONDS: Readonly<Record<ChainName, number>> = { og: 3, base: 2 };
/** A chain that lags by more is behind or stalled: what it will say next may come at any moment. */
const LIVE_WITHIN_SECONDS = 30;

/**
 * The value of `Cache-Control`. A live chain's answer may be kept until its next block is due, and for a second when that is
 * late; an answer that lags must be asked for anew each time, which an entity tag makes cheap. Never longer than `maxLag`
 * allows.
 */
export function cacheControl(asOf: AsOf, nowMs: number, maxLag: number | undefined): string {
  const freshSeconds = CHAIN_NAMES.flatMap((chain) => {
    const part = asOf[chain];
    if (part === null) return [];
    const lag = lagSeconds(part, nowMs);
    const keep = lag > LIVE_WITHIN_SECONDS ? 0 : Math.max(1, BLOCK_SECONDS[chain] - lag);
    return [Math.min(keep, (maxLag ?? Number.POSITIVE_INFINITY) - lag)];
  });
  const seconds = Math.min(...freshSeconds);
  return seconds >= 1 && Number.isFinite(seconds) ? `public, max-age=${seconds}` : "no-cache";
}

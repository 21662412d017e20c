/**
 * Limits the requests per second to an endpoint: the rate grows while the endpoint copes and is cut when it answers "too many
 * requests" (additive increase, multiplicative decrease), because public endpoints do not publish their limits.
 */
import { setTimeout as sleep } from "node:timers/promises";

const START_PER_SECOND = 20;
const MIN_PER_SECOND = 1;
const MAX_PER_SECOND = 300;
/** Until the first refusal the rate grows by this share every second, afterwards by this many requests. */
const PROBING_GROWTH = 0.1;
const STEADY_GROWTH = 2;
const CUT = 0.7;
/** A burst of refusals cuts the rate once. */
const CUT_AT_MOST_EVERY_MS = 1_000;

export interface RequestRate {
  /** Resolves, in order of asking, when the next request may be sent. @throws the signal's reason. */
  readonly take: (signal: AbortSignal) => Promise<void>;
  readonly succeeded: () => void;
  /** @param pauseMs - the pause that the endpoint asked for, if any, already bounded. */
  readonly refused: (pauseMs?: number) => void;
  readonly perSecond: () => number;
  /** Milliseconds left of the pause that the endpoint asked for. */
  readonly pausedForMs: () => number;
}

/** For endpoints on this machine: unlimited, except for pauses that they ask for. */
export function createUnlimitedRate(now: () => number = () => Date.now()): RequestRate {
  let pausedUntil = 0;
  const pausedForMs = () => Math.max(0, pausedUntil - now());
  return {
    take: async (signal) => {
      const pauseMs = pausedForMs();
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal });
    },
    succeeded: () => {},
    refused: (pauseMs = 0) => {
      pausedUntil = Math.max(pausedUntil, now() + pauseMs);
    },
    perSecond: () => Number.POSITIVE_INFINITY,
    pausedForMs,
  };
}

export function createRequestRate(now: () => number = () => Date.now()): RequestRate {
  let perSecond = START_PER_SECOND;
  let tokens = 1;
  let filledAt = now();
  let pausedUntil = 0;
  let cutAt = Number.NEGATIVE_INFINITY;
  let probing = true;
  let timer: NodeJS.Timeout | undefined;
  const queue: (() => void)[] = [];

  const serve = () => {
    timer = undefined;
    const time = now();
    tokens = Math.min(Math.max(1, perSecond / 10), tokens + ((time - filledAt) / 1000) * perSecond);
    filledAt = time;
    while (queue.length > 0 && tokens >= 1 && time >= pausedUntil) {
      tokens -= 1;
      queue.shift()?.();
    }
    if (queue.length > 0)
      timer = setTimeout(serve, Math.max(1, pausedUntil - time, ((1 - tokens) / perSecond) * 1000));
  };

  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const go = () => {
          signal.removeEventListener("abort", leave);
          resolve();
        };
        const leave = () => {
          queue.splice(queue.indexOf(go), 1);
          reject(signal.reason);
        };
        signal.addEventListener("abort", leave, { once: true });
        queue.push(go);
        if (timer === undefined) serve();
      }),
    succeeded: () => {
      // the rate grows only while it is the bottleneck
      if (queue.length === 0) return;
      perSecond = Math.min(
        MAX_PER_SECOND,
        perSecond + (probing ? PROBING_GROWTH : STEADY_GROWTH / perSecond),
      );
    },
    refused: (pauseMs = 0) => {
      const time = now();
      pausedUntil = Math.max(pausedUntil, time + pauseMs);
      if (time - cutAt < CUT_AT_MOST_EVERY_MS) return;
      cutAt = time;
      probing = false;
      perSecond = Math.max(MIN_PER_SECOND, perSecond * CUT);
    },
    perSecond: () => perSecond,
    pausedForMs: () => Math.max(0, pausedUntil - now()),
  };
}

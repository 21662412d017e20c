/** Drives a timeline: the whole history at once, then a block every few seconds. */
import type { DevChain } from "./chain.ts";
import type { Timeline } from "./timeline.ts";

/** @param done - share of the history that is written, 0 to 1. */
export type Progress = (done: number) => void;

/** Thrown when a history is stopped before its end. */
export class HistoryStoppedError extends Error {
  readonly code = "history-stopped";
}

/**
 * Writes blocks until `until`, one wherever something happens.
 * @param blockSeconds - acts closer together than this share a block.
 */
export async function writeHistory(
  chain: DevChain,
  timeline: Timeline,
  until: number,
  blockSeconds: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const from = chain.timestamp;
  for (let next = timeline.next; next !== undefined && next <= until; next = timeline.next) {
    if (signal.aborted) throw new HistoryStoppedError("stopped while the history was being written");
    const slot = Math.ceil(next / blockSeconds) * blockSeconds;
    const now = Math.max(slot, chain.timestamp + 1);
    if (now > until) break;
    await timeline.runUntil(now);
    // the start of an outage sends no transaction
    if (chain.pendingCount > 0) await chain.mine(now);
    progress((now - from) / (until - from));
  }
  if (chain.timestamp < until) await chain.mine(until);
}

/** Makes a block every `blockSeconds` of real time, until `signal` aborts. */
export async function goLive(
  chain: DevChain,
  timeline: Timeline,
  blockSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pause(blockSeconds * 1000 - (Date.now() % (blockSeconds * 1000)), signal);
    const now = Math.floor(Date.now() / 1000);
    if (signal.aborted || now <= chain.timestamp) continue;
    await timeline.runUntil(now);
    await chain.mine(now);
  }
}

/** Resolves after the time, or as soon as the signal aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, milliseconds);
    signal.addEventListener("abort", finish);
  });
}

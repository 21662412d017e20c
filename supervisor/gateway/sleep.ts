/** Waits between attempts. Injected, so that tests can shorten the pauses. */
import { setTimeout as wait } from "node:timers/promises";

/** Resolves after `ms`. @throws the signal's reason. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const sleep: Sleep = (ms, signal) => wait(ms, undefined, { signal });

/** Messages about a condition that lasts: said when it begins, again now and then, and when it is over. */
import type { Log } from "../config/log.ts";

const REPEAT_EVERY_MS = 30_000;

export interface Notices {
  readonly warn: (condition: string, message: string, repeatEveryMs?: number) => void;
  /** Says `message` only if a warning about `condition` was given since. */
  readonly over: (condition: string, message: string) => void;
}

export function createNotices(log: Log, now: () => number = Date.now): Notices {
  const saidAt = new Map<string, number>();
  return {
    warn: (condition, message, repeatEveryMs = REPEAT_EVERY_MS) => {
      const last = saidAt.get(condition);
      if (last !== undefined && now() - last < repeatEveryMs) return;
      saidAt.set(condition, now());
      log.warn(message);
    },
    over: (condition, message) => {
      if (saidAt.delete(condition)) log.info(message);
    },
  };
}

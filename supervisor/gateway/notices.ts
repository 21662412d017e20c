/** Messages about a condition that lasts: said when it begins, again now and then, and when it is over. */
import type { Log } from "../../config/log.ts";

const REPEAT_EVERY_MS = 30_000;

export interface Notices {
  /** Says how often it was left out since it was last said. */
  readonly warn: (condition: string, message: string, repeatEveryMs?: number) => void;
  /** Says `message` only if a warning about `condition` was given since. */
  readonly over: (condition: string, message: string) => void;
}

export function createNotices(log: Log, now: () => number = () => Date.now()): Notices {
  const said = new Map<string, { at: number; leftOut: number }>();
  return {
    warn: (condition, message, repeatEveryMs = REPEAT_EVERY_MS) => {
      const last = said.get(condition);
      if (last !== undefined && now() - last.at < repeatEveryMs) {
        last.leftOut += 1;
        return;
      }
      said.set(condition, { at: now(), leftOut: 0 });
      const more = last?.leftOut ?? 0;
      log.warn(more === 0 ? message : `${message} (${more} more such since the last message)`);
    },
    over: (condition, message) => {
      if (said.delete(condition)) log.info(message);
    },
  };
}

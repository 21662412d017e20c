/** Logs lasting conditions without flooding: when one begins, at intervals while it lasts, and when it is over. */
import type { Log } from "../../config/log.ts";

const REPEAT_EVERY_MS = 30_000;

export interface Notices {
  /** Warns about `condition`, at most once per interval; a repeated warning says how many were suppressed. */
  readonly warn: (condition: string, message: string, repeatEveryMs?: number) => void;
  /** Logs `message` if `condition` was warned about since it last recovered. */
  readonly recovered: (condition: string, message: string) => void;
}

export function createNotices(log: Log, now: () => number = () => Date.now()): Notices {
  const warned = new Map<string, { at: number; suppressed: number }>();
  return {
    warn: (condition, message, repeatEveryMs = REPEAT_EVERY_MS) => {
      const last = warned.get(condition);
      if (last !== undefined && now() - last.at < repeatEveryMs) {
        last.suppressed += 1;
        return;
      }
      warned.set(condition, { at: now(), suppressed: 0 });
      const suppressed = last?.suppressed ?? 0;
      log.warn(suppressed === 0 ? message : `${message} (${suppressed} similar messages suppressed)`);
    },
    recovered: (condition, message) => {
      if (warned.delete(condition)) log.info(message);
    },
  };
}

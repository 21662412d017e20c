/** Relays the output of our own processes to the supervisor's log. */
import { LOG_LEVELS, type Log, type LogLevel } from "../config/log.ts";

/** pino's numbers, for processes that log with it. */
const PINO_LEVELS: Record<number, LogLevel> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "error",
};

const toLevel = (value: unknown): LogLevel | undefined =>
  typeof value === "number" ? PINO_LEVELS[value] : LOG_LEVELS.find((level) => level === value);

/** Logs one line of a process's output: a JSON record at its own level and part, anything else as info. */
export function relay(line: string, log: Log): void {
  if (line.startsWith("{")) {
    try {
      const { level, msg, part, time, pid, hostname, name, ...details } = JSON.parse(line) as Record<
        string,
        unknown
      >; // the line begins with a brace
      const known = toLevel(level);
      if (known !== undefined && typeof msg === "string") {
        (typeof part === "string" ? log.part(part) : log)[known](msg, details);
        return;
      }
    } catch {} // not JSON
  }
  if (line.trim() !== "") log.info(line);
}

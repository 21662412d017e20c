/** The log of every process: readable lines, or one JSON object per line with `LOG_FORMAT=json`. */
import type { Environment } from "./environment.ts";
import { redactUrls } from "./redact.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogDetails = Readonly<Record<string, unknown>>;

export type Log = Readonly<Record<LogLevel, (message: string, details?: LogDetails) => void>> & {
  /** The same log under another name in its second column. */
  readonly part: (name: string) => Log;
};

export interface LogRecord {
  readonly level: LogLevel;
  readonly part: string;
  readonly message: string;
  readonly details?: LogDetails | undefined;
  readonly time: Date;
}

const PART_WIDTH = 12;

const inline = (value: unknown): string => {
  if (value instanceof Error) return value.message;
  return typeof value === "string" ? value : JSON.stringify(value, jsonSafe);
};

const jsonSafe = (_key: string, value: unknown) => {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Error ? value.message : value;
};

/** Formats a record as one line, with the secrets in all URLs redacted. */
export const formatLogRecord = (record: LogRecord, format: Environment["LOG_FORMAT"]): string =>
  redactUrls(format === "json" ? toJson(record) : toLine(record));

const toJson = ({ level, part, message, details, time }: LogRecord): string =>
  JSON.stringify({ ...details, level, time: time.toISOString(), part, msg: message }, jsonSafe);

function toLine(record: LogRecord): string {
  const { level, part, message, details, time } = record;
  const extra = Object.entries(details ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${inline(value)}`)
    .join("");
  const clock = time.toTimeString().slice(0, 8);
  return `${clock} ${level.toUpperCase().padEnd(5)} ${part.padEnd(PART_WIDTH)} ${message}${extra}`.replaceAll(
    /\s*[\r\n]\s*/g,
    " ",
  );
}

/** @param write - receives formatted lines; writes to standard output by default. */
export function createLog(
  settings: Pick<Environment, "LOG_LEVEL" | "LOG_FORMAT">,
  part: string,
  write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
): Log {
  const lowest = LOG_LEVELS.indexOf(settings.LOG_LEVEL);
  const at = (level: LogLevel) =>
    LOG_LEVELS.indexOf(level) < lowest
      ? () => {}
      : (message: string, details?: LogDetails) =>
          write(formatLogRecord({ level, part, message, details, time: new Date() }, settings.LOG_FORMAT));
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    part: (name) => createLog(settings, name, write),
  };
}

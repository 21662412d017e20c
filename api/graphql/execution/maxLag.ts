/** Reads `maxLag`, the request's bound on the age of the newest block, from the URL or from `extensions`. */
import { refuseArgument } from "./limits/refuseArgument.ts";

/**
 * @param given - text of the URL, or a JSON number.
 * @throws {ApiError} `invalid-parameter`.
 */
export function readMaxLag(given: unknown): number | undefined {
  if (given === undefined || given === null) return undefined;
  const seconds = typeof given === "string" && /^\d{1,16}$/.test(given) ? Number(given) : given;
  if (typeof seconds === "number" && Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  const rule = "a lag in seconds, a whole number from 0";
  // JSON can hold an object that has no text of its own.
  const value = typeof given === "string" ? given : JSON.stringify(given);
  throw refuseArgument("maxLag", value, rule);
}

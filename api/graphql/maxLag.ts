/** How old the newest block may be, from the URL or from the request's `extensions`. */
import { ApiError } from "../errors.ts";

/**
 * @param given - text of the URL, or a JSON number.
 * @throws {ApiError} `invalid-parameter`.
 */
export function readMaxLag(given: unknown): number | undefined {
  if (given === undefined || given === null) return undefined;
  const seconds = typeof given === "string" && /^\d{1,16}$/.test(given) ? Number(given) : given;
  if (typeof seconds === "number" && Number.isSafeInteger(seconds) && seconds >= 0) return seconds;
  const rule = "a lag in seconds, a whole number from 0";
  const value = String(given).slice(0, 200);
  throw new ApiError("invalid-parameter", `maxLag: "${value}": ${rule}`, {
    parameter: "maxLag",
    value,
    rule,
  });
}

/** The JSON of an operation's result. */
import type { ExecutionResult } from "graphql";
import { shownError } from "./errors.ts";
import { writeJson } from "./writeJson.ts";

/**
 * @param result - its errors fit for the caller.
 * @param maxBytes - of a refusal there is no bound: it is short.
 * @throws {ApiError} `answer-too-large`.
 */
export const resultJson = (
  { errors, ...result }: ExecutionResult,
  maxBytes: number = Number.POSITIVE_INFINITY,
): string =>
  writeJson(errors === undefined ? result : { errors: errors.map(shownError), ...result }, maxBytes);

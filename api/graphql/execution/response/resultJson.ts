/** The JSON of an operation's result. */
import type { ExecutionResult } from "graphql";
import { errorBody } from "./errors.ts";
import { writeJson } from "./writeJson.ts";

/**
 * @param result - with errors that clients may see.
 * @param maxBytes - no bound by default: a refusal is short.
 * @throws {ApiError} `answer-too-large`.
 */
export const resultJson = (
  { errors, ...result }: ExecutionResult,
  maxBytes: number = Number.POSITIVE_INFINITY,
): string =>
  writeJson(errors === undefined ? result : { errors: errors.map(errorBody), ...result }, maxBytes);

/** Refuses URLs longer than any valid request needs. */
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import { targetOf } from "./requestTarget.ts";

/** A selection that excludes a hundred nodes by id takes 7,000 characters. */
const MAX_URL_LENGTH = 8_192;

/** @throws {ApiError} `uri-too-long`. */
export const boundUrlLength = createMiddleware((context, next) => {
  const { length } = targetOf(context.req.url);
  if (length > MAX_URL_LENGTH)
    throw new ApiError(
      "uri-too-long",
      `Path and query have ${length} characters; at most ${MAX_URL_LENGTH} are allowed.`,
      { length, limit: MAX_URL_LENGTH },
    );
  return next();
});

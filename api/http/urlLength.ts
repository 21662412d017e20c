/** Refuses URLs that no question of ours needs. */
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import { targetOf } from "./requestTarget.ts";

/** A selection that excludes a hundred nodes by their ids has 7,000. */
const MAX_URL_LENGTH = 8_192;

/** @throws {ApiError} `uri-too-long`. */
export const boundUrlLength = createMiddleware(async (context, next) => {
  const { length } = targetOf(context.req.url);
  if (length > MAX_URL_LENGTH)
    throw new ApiError(
      "uri-too-long",
      `Path and query have ${length} characters; at most ${MAX_URL_LENGTH} can be asked.`,
      { length, limit: MAX_URL_LENGTH },
    );
  await next();
});

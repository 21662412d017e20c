/** Refuses URLs that no question of ours needs. */
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";
import { targetOf } from "./target.ts";

/** A selection that excludes a hundred nodes by their ids has 7,000. */
const LONGEST_URL = 8_192;

/** @throws {ApiError} `uri-too-long`. */
export const boundUrlLength = createMiddleware(async (context, next) => {
  const { length } = targetOf(context.req.url);
  if (length > LONGEST_URL)
    throw new ApiError(
      "uri-too-long",
      `Path and query have ${length} characters; at most ${LONGEST_URL} can be asked.`,
      { length, limit: LONGEST_URL },
    );
  await next();
});

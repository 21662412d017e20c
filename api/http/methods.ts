/** Which methods a path has, as the routes themselves say. */
import type { Env, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";

/** Methods that a route here may have of its own; GET brings HEAD along. */
const METHODS = ["GET", "POST"] as const;

/** The methods of a path; none when there is no such path. Middleware is registered for all methods and does not count. */
export function methodsOf<E extends Env>({ router }: Hono<E>, path: string): readonly string[] {
  const own = METHODS.filter((method) => {
    const [handlers] = router.match(method, path);
    return handlers.some(([[, route]]) => route.method === method);
  });
  return own.length === 0
    ? []
    : [...own.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"];
}

/** Whether a browser asks if it may ask. */
export const isPreflight = (request: Request): boolean =>
  request.method === "OPTIONS" && request.headers.has("Access-Control-Request-Method");

/**
 * Answers OPTIONS, and refuses methods that a path does not have. A path that is none is refused as such, further in.
 * @throws {ApiError} `method-not-allowed`, with `allow`.
 */
export const onlyKnownMethods = <E extends Env>(app: Hono<E>) =>
  createMiddleware<E>(async (context, next) => {
    const { method, path } = context.req;
    const allow = methodsOf(app, path);
    if (allow.length > 0 && !allow.includes(method))
      throw new ApiError(
        "method-not-allowed",
        `${method.slice(0, 20)} cannot be used here; use ${allow.join(", ")}`,
        { allow },
      );
    if (method === "OPTIONS" && allow.length > 0) return context.body(null, 204, { Allow: allow.join(", ") });
    await next();
  });

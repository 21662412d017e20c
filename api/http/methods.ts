/** The methods that each path allows, derived from the registered routes. */
import type { Env, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { ApiError } from "../errors.ts";

/** Methods that routes are registered for; GET implies HEAD. */
const METHODS = ["GET", "POST"] as const;

/** The methods of a path; empty when the path does not exist. Middleware, which is registered for all methods, does not count. */
export function methodsOf<E extends Env>(app: Hono<E>, path: string): readonly string[] {
  const own = METHODS.filter((method) => hasRoute(app, method, path));
  return own.length === 0
    ? []
    : [...own.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])), "OPTIONS"];
}

function hasRoute<E extends Env>({ router }: Hono<E>, method: string, path: string): boolean {
  const [handlers] = router.match(method, path);
  return handlers.some(([[, route]]) => route.method === method);
}

/** Whether a request is a CORS preflight. */
export const isPreflight = (request: Request): boolean =>
  request.method === "OPTIONS" && request.headers.has("Access-Control-Request-Method");

/**
 * Answers OPTIONS, and refuses methods that a path does not allow. Unknown paths are refused by the router.
 * @throws {ApiError} `method-not-allowed`, with `allow`.
 */
export const requireAllowedMethod = <E extends Env>(app: Hono<E>) =>
  createMiddleware<E>((context, next) => {
    const { method, path } = context.req;
    if (method === "GET" && hasRoute(app, method, path)) return next();
    const allow = methodsOf(app, path);
    if (allow.length > 0 && !allow.includes(method))
      throw new ApiError(
        "method-not-allowed",
        `${method.slice(0, 20)} is not allowed here; use ${allow.join(", ")}`,
        { allow },
      );
    return method === "OPTIONS" && allow.length > 0
      ? Promise.resolve(context.body(null, 204, { Allow: allow.join(", ") }))
      : next();
  });

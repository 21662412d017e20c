/** Redirects a path that ends with a slash to the path without it. */
import type { Env } from "hono";
import { createMiddleware } from "hono/factory";
import { targetOf } from "./requestTarget.ts";

/**
 * The path and query to redirect to; null when the path ends with no slash, or is `/` itself. It begins with exactly one slash:
 * with two it would name another host.
 */
export function withoutTrailingSlash(target: string): string | null {
  const [path = "", query] = splitQuery(target);
  let end = path.length;
  while (end > 0 && isSlash(path[end - 1])) end -= 1;
  let start = 0;
  while (start < end && isSlash(path[start])) start += 1;
  if (end === path.length || path === "/") return null;
  return `/${path.slice(start, end)}${query}`;
}

/** Browsers treat a backslash as a slash. */
const isSlash = (character: string | undefined): boolean => character === "/" || character === "\\";

function splitQuery(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf("?");
  return mark === -1 ? [target, ""] : [target.slice(0, mark), target.slice(mark)];
}

/** Redirects with a 308 and keeps the query. POST is included for `/graphql/`. */
export const redirectTrailingSlash = <E extends Env>() =>
  createMiddleware<E>((context, next) => {
    const { method } = context.req;
    const location = withoutTrailingSlash(targetOf(context.req.url));
    if (location === null || !(method === "GET" || method === "HEAD" || method === "POST")) return next();
    return Promise.resolve(context.body(null, 308, { Location: location }));
  });

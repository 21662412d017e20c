/** The id that a request is answered, logged and asked about under. */
import { createMiddleware } from "hono/factory";

/** What somebody in front of us may have named it already: nothing that could do harm in a log or a header. */
const SANE = /^[\w.-]{1,64}$/;

interface WithRequestId {
  Variables: { requestId: string };
}

export const identifyRequests = <E extends WithRequestId>(newRequestId: () => string) =>
  createMiddleware<E>(async (context, next) => {
    const given = context.req.header("X-Request-Id");
    const requestId = given !== undefined && SANE.test(given) ? given : newRequestId();
    context.set("requestId", requestId);
    await next();
    context.res.headers.set("X-Request-Id", requestId);
  });

/** The id under which a request is answered and logged. */
import { createMiddleware } from "hono/factory";

/** An id that a proxy may have assigned already; safe in a log and in a header. */
const SAFE_ID = /^[\w.-]{1,64}$/;

interface WithRequestId {
  Variables: { requestId: string };
}

export const identifyRequests = <E extends WithRequestId>(newRequestId: () => string) =>
  createMiddleware<E>(async (context, next) => {
    const given = context.req.header("X-Request-Id");
    const requestId = given !== undefined && SAFE_ID.test(given) ? given : newRequestId();
    context.set("requestId", requestId);
    await next();
    context.res.headers.set("X-Request-Id", requestId);
  });

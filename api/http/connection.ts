/** The connection below a request. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** Null when there is no connection, as in tests that call the application directly. */
export function connectionOf(context: Context): HttpBindings | null {
  const bindings: Partial<HttpBindings> | undefined = context.env; // set by node-server
  const { incoming, outgoing } = bindings ?? {};
  return incoming === undefined || outgoing === undefined ? null : { incoming, outgoing };
}

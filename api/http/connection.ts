/** The connection below a request. */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** Null without a connection: tests ask the application itself. */
export function connectionOf(context: Context): HttpBindings | null {
  const bindings: Partial<HttpBindings> | undefined = context.env; // what node-server passes along
  const { incoming, outgoing } = bindings ?? {};
  return incoming === undefined || outgoing === undefined ? null : { incoming, outgoing };
}

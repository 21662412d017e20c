/** Finds the client of each request once, and the keys that its requests are counted under. */
import type { Context } from "hono";
import type { AddressRange } from "../../config/addressRange.ts";
import { type Client, findClient } from "./clientAddress.ts";
import { connectionOf } from "./connection.ts";

export type ClientLookup = (context: Context) => Client | null;

/** @param trustedProxies - the proxies whose `X-Forwarded-For` is trusted. */
export function createClientLookup(trustedProxies: readonly AddressRange[]): ClientLookup {
  const clients = new WeakMap<Context, Client | null>();
  return (context) => {
    const known = clients.get(context);
    if (known !== undefined) return known;
    const client = findClient(
      connectionOf(context)?.incoming.socket.remoteAddress,
      context.req.header("X-Forwarded-For"),
      trustedProxies,
    );
    clients.set(context, client);
    return client;
  };
}

/**
 * The key that database connections are shared fairly by. A client on this machine may be a proxy that is not configured as
 * trusted, so each of its connections has a key of its own.
 */
export function fairnessKeyOf(context: Context, client: Client | null): string | undefined {
  if (client === null || !client.loopback) return client?.key;
  return `${client.key} ${connectionOf(context)?.incoming.socket.remotePort}`;
}

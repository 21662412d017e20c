/** The client of a request: the connection's remote address, or the address that a trusted proxy forwards. */
import {
  type Address,
  type AddressRange,
  isInRange,
  isLoopback,
  networkOf,
  parseAddress,
} from "../../config/addressRange.ts";

/** Providers assign a customer a /64 or more, within which one client can choose any address. */
const CLIENT_BITS = 64;

/** A client, identified by `key`. */
export interface Client {
  readonly address: string;
  /** One IPv4 address, or the /64 that an IPv6 address is in. */
  readonly key: string;
  readonly loopback: boolean;
}

const toClient = (address: Address): Client => ({
  address: address.toString(),
  key: address.kind() === "ipv4" ? address.toString() : networkOf(address, CLIENT_BITS),
  loopback: isLoopback(address),
});

/**
 * Finds the client of a request. Each proxy appends the address that it was called from to `X-Forwarded-For`. The list is
 * therefore read from its end, for as long as the proxies are trusted; earlier entries may have been forged by a client. Without
 * a trusted proxy the header is ignored.
 * @param remote - the remote address of the connection.
 * @returns null when there is no connection, as in tests.
 */
export function findClient(
  remote: string | undefined,
  forwardedFor: string | undefined,
  trusted: readonly AddressRange[],
): Client | null {
  let client = remote === undefined ? null : parseAddress(remote);
  if (client === null) return null;
  const hops = forwardedFor?.split(",") ?? [];
  while (trusted.some((range) => client !== null && isInRange(client, range))) {
    const before = parseAddress(withoutPort(hops.pop()?.trim() ?? ""));
    if (before === null) break;
    client = before;
  }
  return toClient(client);
}

/** Some proxies include the port: `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

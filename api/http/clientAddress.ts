/** Who asks: the address that the connection comes from, or what a proxy says that we were told to trust. */
import {
  type Address,
  type AddressRange,
  isInRange,
  isLoopback,
  networkOf,
  parseAddress,
} from "../../config/addressRange.ts";

/** A provider gives a customer at least so many bits of IPv6: the rest are one client's to choose. */
const CLIENT_BITS = 64;

/** A client, told from others by `key`. */
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
 * Finds the client of a request. Each proxy appends to `X-Forwarded-For` whom it was asked by, so the list is read from its
 * end, as far as the proxies are trusted: whatever stands before was written by a client. Without a trusted proxy the
 * header means nothing.
 * @param remote - the other end of the connection.
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

/** Some proxies write the port too: `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

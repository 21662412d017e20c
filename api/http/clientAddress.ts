/** Who asks: the address that the connection comes from, or what a proxy says that we were told to trust. */
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** An address and the number of leading bits that count. */
export type AddressRange = readonly [Address, number];

/** A provider gives a customer at least so many bits of IPv6: the rest are one client's to choose. */
const CLIENT_BITS = 64;

/** One address, or a range in CIDR notation; null when the text is neither. */
export function parseRange(text: string): AddressRange | null {
  try {
    if (text.includes("/")) {
      const [address, bits] = ipaddr.parseCIDR(text);
      return [address, bits];
    }
    const address = ipaddr.process(text);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  } catch {
    return null;
  }
}

const parseAddress = (text: string): Address | null => (ipaddr.isValid(text) ? ipaddr.process(text) : null);

const isIn = (address: Address, [network, bits]: AddressRange): boolean =>
  address.kind() === network.kind() && address.match([network, bits] as [ipaddr.IPv4, number]); // of equal kinds

/** A client, told from others by `key`. */
export interface Client {
  readonly address: string;
  /** One IPv4 address, or the /64 that an IPv6 address is in. */
  readonly key: string;
  readonly loopback: boolean;
}

function toClient(address: Address): Client {
  const key =
    address.kind() === "ipv4"
      ? address.toString()
      : `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${CLIENT_BITS}`).toString()}/${CLIENT_BITS}`;
  return { address: address.toString(), key, loopback: address.range() === "loopback" };
}

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
  while (trusted.some((range) => client !== null && isIn(client, range))) {
    const before = parseAddress(withoutPort(hops.pop()?.trim() ?? ""));
    if (before === null) break;
    client = before;
  }
  return toClient(client);
}

/** Some proxies write the port too: `192.0.2.1:4711` or `[2001:db8::1]:4711`. */
const withoutPort = (text: string): string =>
  /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;

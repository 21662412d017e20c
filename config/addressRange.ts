/** IP addresses and CIDR ranges, as settings give them. */
import ipaddr from "ipaddr.js";

export type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** An address and the length of the network prefix in bits. */
export type AddressRange = readonly [Address, number];

/** Parses an address; an IPv4-mapped IPv6 address becomes the IPv4 one. Null when the text is not an address. */
export const parseAddress = (text: string): Address | null =>
  FOUR_PARTS.test(text) || text.includes(":") ? (ipaddr.isValid(text) ? ipaddr.process(text) : null) : null;

/** The library also accepts "10.1" and "167772161", which are mistakes in settings. */
const FOUR_PARTS = /^\d+\.\d+\.\d+\.\d+$/;

/** Parses an address or a range in CIDR notation; null when the text is neither. */
export function parseAddressRange(text: string): AddressRange | null {
  const [base = "", bits, ...rest] = text.split("/");
  const address = parseAddress(base);
  if (address === null || rest.length > 0) return null;
  const width = address.kind() === "ipv4" ? 32 : 128;
  if (bits === undefined) return [address, width];
  return /^\d{1,3}$/.test(bits) && Number(bits) <= width ? [address, Number(bits)] : null;
}

export const isInRange = (address: Address, [network, bits]: AddressRange): boolean =>
  address.kind() === network.kind() && address.match([network, bits] as [ipaddr.IPv4, number]); // of equal kinds

/** The network of an IPv6 address, in CIDR notation. */
export const networkOf = (address: Address, bits: number): string =>
  `${ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${bits}`).toString()}/${bits}`;

export const isLoopback = (address: Address): boolean => address.range() === "loopback";

/** Tells IP addresses of the public internet, where blobs and nodes are, from those of the network this runs in. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Private, loopback, link-local, shared, documentation, benchmarking, multicast and reserved (IANA's special-purpose registry). */
const NOT_PUBLIC_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  // Azure's metadata service, in an otherwise public range
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
] as const;

/** Ranges for hosts of one's own network: loopback, private, shared and link-local. */
const PRIVATE_IPV4 = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
] as const;
const PRIVATE_IPV6 = ["::1/128", "fc00::/7", "fe80::/10"] as const;

/** Exceptions within 2000::/3, the only block of public addresses: Teredo and similar, documentation, 6to4. */
const NOT_PUBLIC_IPV6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"] as const;

const listOf = (ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits = ""] = range.split("/");
    list.addSubnet(network, Number(bits), family);
  }
  return list;
};

const notPublic4 = listOf(NOT_PUBLIC_IPV4, "ipv4");
const notPublic6 = listOf(NOT_PUBLIC_IPV6, "ipv6");
const private4 = listOf(PRIVATE_IPV4, "ipv4");
const private6 = listOf(PRIVATE_IPV6, "ipv6");
const handedOut6 = listOf(["2000::/3"], "ipv6");

/**
 * Whether an address belongs to the public internet. IPv4 inside IPv6 (mapped, NAT64) does not: every public host has another
 * address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic4.check(address, "ipv4");
  if (!isIPv6(address)) return false;
  return handedOut6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

/** Whether an address belongs to a private network. Some are neither public nor private: multicast, documentation. */
export const isPrivateAddress = (address: string): boolean =>
  isIPv4(address) ? private4.check(address, "ipv4") : isIPv6(address) && private6.check(address, "ipv6");

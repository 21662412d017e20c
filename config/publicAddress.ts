/** Which IP addresses belong to the public internet, and which to the network we run in: blobs and nodes come from the former. */
import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Private, loopback, link-local, shared, documentation, benchmarking, multicast and reserved (IANA's special-purpose registry). */
const NOT_PUBLIC_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  // Azure's metadata service, out of a range that is otherwise public.
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

/** Where hosts of a network of one's own are: loopback, private, shared and link-local. */
const PRIVATE_IPV4 = [
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
] as const;
const PRIVATE_IPV6 = ["::1/128", "fc00::/7", "fe80::/10"] as const;

/** Of the one block that is handed out to the public, 2000::/3, what is not: Teredo and the like, documentation, 6to4. */
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
 * Whether an address is one of the public internet. IPv4 inside IPv6 (mapped, NAT64) is not: nothing public is reached
 * that way only.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !notPublic4.check(address, "ipv4");
  if (!isIPv6(address)) return false;
  return handedOut6.check(address, "ipv6") && !notPublic6.check(address, "ipv6");
}

/** Whether an address can only be one of a private network. Many are neither public nor private: multicast, documentation. */
export const isPrivateAddress = (address: string): boolean =>
  isIPv4(address) ? private4.check(address, "ipv4") : isIPv6(address) && private6.check(address, "ipv6");

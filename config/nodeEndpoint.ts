/** Judges whether clients can connect to a node's registered endpoint, by its text alone: no name is resolved. */
import { isIP } from "node:net";
import { isPrivateAddress, isPublicAddress } from "./publicAddress.ts";

export interface EndpointReach {
  /** Who can connect: anyone, only hosts of the node's own network, or nobody. */
  readonly reach: "public" | "private" | "none";
  /** Why it is not public, as a clause: "its host is a loopback name". Null when it is. */
  readonly problem: string | null;
}

const PUBLIC: EndpointReach = { reach: "public", problem: null };
const onlyInside = (problem: string): EndpointReach => ({ reach: "private", problem });
const unusable = (problem: string): EndpointReach => ({ reach: "none", problem });

/** Longer endpoints are shortened in answers, so no client could use them. */
const MAX_LENGTH = 2_048;
/** Control characters, invisible formatting, spaces and backslashes: clients interpret URLs with them differently. */
const AMBIGUOUS = /[\p{C}\p{Z}\\]/u;

/**
 * Names that no public resolver answers: special-use names (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`) and those that
 * private networks commonly use. The leading dot makes them match whole labels.
 */
const PRIVATE_NAMES = [
  ".localhost",
  ".localdomain",
  ".local",
  ".internal",
  ".home.arpa",
  ".intranet",
  ".private",
  ".corp",
  ".home",
  ".lan",
] as const;
/** Names outside the DNS (RFC 7686, RFC 9476), and one that will never exist (RFC 6761). */
const FOREIGN_NAMES = [".onion", ".alt", ".invalid"] as const;

const MAX_NAME_LENGTH = 253;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** @param text - as registered; null when its bytes are not UTF-8. */
export function endpointReach(text: string | null): EndpointReach {
  if (text === null) return unusable("it is not UTF-8 text");
  if (text === "") return unusable("it is empty");
  if (text.length > MAX_LENGTH) return unusable(`it is longer than ${MAX_LENGTH} characters`);
  if (AMBIGUOUS.test(text)) return unusable("it has a space, backslash, control or invisible character");
  if (!/^https:\/\/[^/?#]/i.test(text)) return unusable("it is not an https:// URL");
  const [authority = ""] = text.slice("https://".length).split(/[/?#]/);
  if (authority.includes("@")) return unusable("it has a user name or password");
  if (authority.includes("%")) return unusable("its host is percent-encoded");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return unusable("it is not a valid URL");
  }
  if (url.port === "0") return unusable("its port is 0");
  // the parser normalises every form of an IPv4 address (octal, hexadecimal, shortened) to four decimal parts
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? reachOfName(host) : reachOfAddress(host);
}

function reachOfAddress(address: string): EndpointReach {
  if (isPublicAddress(address)) return PUBLIC;
  return isPrivateAddress(address)
    ? onlyInside(`its host, ${address}, is a private, loopback or link-local address`)
    : unusable(`its host, ${address}, is not a public address`);
}

function reachOfName(name: string): EndpointReach {
  const labels = name.split(".");
  if (name.length > MAX_NAME_LENGTH || !labels.every((label) => LABEL.test(label)))
    return unusable("its host is not a DNS name");
  if (labels.length === 1) return onlyInside("its host is a name without a domain");
  const isUnder = (suffix: string) => name.endsWith(suffix) || `.${name}` === suffix;
  if (FOREIGN_NAMES.some(isUnder)) return unusable("its host is not a name of the public DNS");
  if (PRIVATE_NAMES.some(isUnder)) return onlyInside("its host is a name of private networks");
  return PUBLIC;
}

/** What an endpoint that a node registered says, by one rule for what is indexed and what is served. */
import type { Hex } from "viem";
import { displayText } from "./text.ts";

const MAX_LENGTH = 2_048;
/** Hex digits of an endpoint that are worth reading: more than a text of that length can have. */
export const MAX_ENDPOINT_HEX = 2 + MAX_LENGTH * 64;

/** An endpoint's bytes as text fit for display. */
export const endpointText = (bytes: Hex): string => displayText(bytes, MAX_LENGTH).text;

/**
 * The lower-case host of an endpoint, without its port; null when the text is not an http(s) URL with a host. Two keys at
 * one host share a machine, whatever their ports and paths: these are as free as keys. So is the dot that ends a full name.
 */
export function endpointHost(endpoint: string): string | null {
  try {
    const { protocol, hostname } = new URL(endpoint);
    if (protocol !== "https:" && protocol !== "http:") return null;
    return hostname.toLowerCase().replace(/\.$/, "") || null;
  } catch {
    return null;
  }
}

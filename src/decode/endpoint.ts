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

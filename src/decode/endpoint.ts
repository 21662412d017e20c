/**
 * The lower-case host of an endpoint, without its port; null when the text is not an http(s) URL with a host. Two keys at
 * one host share a machine, whatever their ports and paths: these are as free as keys.
 */
export function endpointHost(endpoint: string): string | null {
  try {
    const { protocol, hostname } = new URL(endpoint);
    return (protocol === "https:" || protocol === "http:") && hostname !== "" ? hostname.toLowerCase() : null;
  } catch {
    return null;
  }
}

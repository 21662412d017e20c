/**
 * The lower-case host of an endpoint, with its port when one is given; null when the text is not an http(s) URL with
 * a host. Two keys at one host share a machine, whatever their paths.
 */
export function endpointHost(endpoint: string): string | null {
  try {
    const { protocol, host } = new URL(endpoint);
    return (protocol === "https:" || protocol === "http:") && host !== "" ? host.toLowerCase() : null;
  } catch {
    return null;
  }
}

/** The target of a request, taken from its URL. */

/** The path and query of an absolute URL, unchanged. */
export function targetOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("//") + 2);
  return path === -1 ? "/" : url.slice(path);
}

/** What a request asks for, out of its URL. */

/** Path and query of an absolute URL, as they stand there. */
export function targetOf(url: string): string {
  const path = url.indexOf("/", url.indexOf("//") + 2);
  return path === -1 ? "/" : url.slice(path);
}

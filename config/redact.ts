/**
 * Keeps API keys out of the logs. They are in URLs: in user and password, path, or query. Libraries put the URLs that they use
 * into their messages, so every line of every log passes through here.
 */

/** A URL without user, password, path and query; "…" when it cannot be parsed. */
export function redactUrl(text: string): string {
  try {
    const { protocol, host, pathname, search, hash } = new URL(text);
    const hidden = (pathname !== "/" && pathname !== "") || search !== "" || hash !== "";
    return `${protocol}//${host}${hidden ? "/…" : ""}`;
  } catch {
    return "…";
  }
}

const URLS = /\b(?:https?|wss?|postgres(?:ql)?):\/\/[^\s"'`<>\\|]+/gi;
/** Trailing punctuation belongs to the sentence around the URL. */
const PUNCTUATION = /[.,;:!?)\]}]+$/;

/** Redacts every URL in a text. */
export const redactUrls = (text: string): string =>
  text.replaceAll(URLS, (found) => {
    const end = PUNCTUATION.exec(found)?.[0] ?? "";
    return redactUrl(found.slice(0, found.length - end.length)) + end;
  });

/** Shorter parts of a URL are not secrets but words such as "v2". */
const MIN_SECRET_LENGTH = 8;

/** Removes the secret parts of `url` from a text: providers repeat the keys that they refuse. */
export function withoutSecretsOf(url: string, text: string): string {
  const { username, password, pathname, searchParams } = new URL(url);
  const parts = [username, password, ...pathname.split("/"), ...searchParams.values()];
  return redactUrls(
    parts
      .flatMap((part) => [part, decoded(part)])
      .filter((part) => part.length >= MIN_SECRET_LENGTH)
      .sort((a, b) => b.length - a.length)
      .reduce((rest, part) => rest.replaceAll(part, "…"), text),
  );
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

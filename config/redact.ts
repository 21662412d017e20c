/**
 * Keeps API keys out of what is logged. They sit in URLs: in the user and password, the path, the query. Libraries
 * put the URLs they use into their messages, so every line of every log goes through here.
 */

/** A URL without user, password, path and query; "…" where there is no telling what is in it. */
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
/** Belongs to the sentence around the URL. */
const PUNCTUATION = /[.,;:!?)\]}]+$/;

/** A text with every URL in it redacted. */
export const redactUrls = (text: string): string =>
  text.replaceAll(URLS, (found) => {
    const end = PUNCTUATION.exec(found)?.[0] ?? "";
    return redactUrl(found.slice(0, found.length - end.length)) + end;
  });

/** Shorter parts of a URL are words such as "v2". */
const MIN_SECRET_LENGTH = 8;

/** A text without the secret parts of `url`: providers repeat a key that they refuse. */
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

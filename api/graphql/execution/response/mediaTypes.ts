/** Chooses an answer's media type by `Accept`. */
import { EVENT_STREAM_TYPE } from "../../../stream/serverSentEvents.ts";

const JSON_TYPE = "application/json";
/** @see https://graphql.github.io/graphql-over-http/draft/#sec-application-graphql-response-json */
const GRAPHQL_TYPE = "application/graphql-response+json";

export type MediaType = typeof JSON_TYPE | typeof GRAPHQL_TYPE | typeof EVENT_STREAM_TYPE;

export const MEDIA_TYPES: readonly MediaType[] = [GRAPHQL_TYPE, JSON_TYPE, EVENT_STREAM_TYPE];

/** Media types by name; a range stands for the type that most clients can read. */
const TYPE_BY_RANGE: Readonly<Record<string, MediaType>> = {
  "*/*": JSON_TYPE,
  "application/*": JSON_TYPE,
  "text/*": EVENT_STREAM_TYPE,
  [JSON_TYPE]: JSON_TYPE,
  [GRAPHQL_TYPE]: GRAPHQL_TYPE,
  [EVENT_STREAM_TYPE]: EVENT_STREAM_TYPE,
};

const isUtf8 = (parameter: string): boolean =>
  !parameter.startsWith("charset=") || /^charset="?utf-?8"?$/.test(parameter);

/**
 * The accepted type of the highest quality, the first of equals. Events are chosen only when nothing else is accepted: a
 * whole answer needs none.
 * @returns null when no available type is accepted.
 */
export function mediaTypeFor(accept: string | undefined): MediaType | null {
  const ranges = (accept?.trim() || "*/*").toLowerCase().split(",");
  let best: { readonly type: MediaType; readonly quality: number } | null = null;
  for (const range of ranges) {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim());
    const type = Object.hasOwn(TYPE_BY_RANGE, name) ? TYPE_BY_RANGE[name] : undefined;
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const given = type === EVENT_STREAM_TYPE ? 0 : Number(q ?? 1);
    if (type === undefined || Number(q ?? 1) === 0 || !parameters.every(isUtf8)) continue;
    const quality = Number.isNaN(given) ? 1 : given;
    if (best === null || quality > best.quality) best = { type, quality };
  }
  return best?.type ?? null;
}

/** Where a client goes on that was here before. */
import { decodePlace, type StreamPlace } from "./place.ts";

export type Resume =
  /** It was here before, at this place; null when it is new. */
  | { readonly kind: "place"; readonly place: StreamPlace | null }
  | { readonly kind: "unreadable"; readonly parameter: "Last-Event-ID" | "after"; readonly value: string };

/**
 * Reads the id that a client comes back with. The header is newer than the URL: clients send it beside the request that they
 * began with. An empty one is none: that is what clients have that were sent no id yet, and an EventSource that is refused
 * gives up for good.
 */
export function readResume(lastEventId: string | undefined, after: string | null | undefined): Resume {
  const header = lastEventId === "" ? undefined : lastEventId;
  const given = header ?? after ?? null;
  if (given === null) return { kind: "place", place: null };
  const place = decodePlace(given);
  if (place !== null) return { kind: "place", place };
  return { kind: "unreadable", parameter: header === undefined ? "after" : "Last-Event-ID", value: given };
}

/** Where a returning client left off. */
import { decodePosition, type StreamPosition } from "./streamPosition.ts";

export type Resume =
  /** The position to resume from; null for a new client. */
  | { readonly kind: "position"; readonly position: StreamPosition | null }
  | { readonly kind: "unreadable"; readonly parameter: "Last-Event-ID" | "after"; readonly value: string };

/**
 * Reads the id that a client resumes with. The header wins over the URL, because an EventSource reconnects with the URL that it
 * was opened with. An empty id counts as none: clients send it when they have not received an id yet, and an EventSource that
 * is refused never reconnects.
 */
export function readResumePosition(
  lastEventId: string | undefined,
  after: string | null | undefined,
): Resume {
  const header = lastEventId === "" ? undefined : lastEventId;
  const given = header ?? after ?? null;
  if (given === null) return { kind: "position", position: null };
  const position = decodePosition(given);
  if (position !== null) return { kind: "position", position };
  return { kind: "unreadable", parameter: header === undefined ? "after" : "Last-Event-ID", value: given };
}

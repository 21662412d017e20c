/** Global object ids: base64url of the type's name and the parts of its key. Opaque to callers. */
import { ApiError } from "../../errors.ts";

interface GlobalId {
  readonly typename: string;
  /** The parts of the key; an id of a past state ends in its second. */
  readonly parts: readonly string[];
}

const FORM = /^[A-Z][A-Za-z]{0,40}(?::[0-9a-zA-Z_-]{0,90}){1,4}$/;

/** Longest text of `FORM`, in base64. */
const MAX_ID_LENGTH = 600;

export const encodeGlobalId = (typename: string, ...parts: readonly (string | number | null)[]): string =>
  Buffer.from([typename, ...parts.filter((part) => part !== null)].join(":")).toString("base64url");

export const refuseId = (id: string): ApiError =>
  new ApiError("invalid-parameter", `id: ${JSON.stringify(id.slice(0, 200))}: an id that this API gave`, {
    parameter: "id",
    value: id.slice(0, 200),
    rule: "an id that this API gave",
  });

/** @throws {ApiError} `invalid-parameter`. */
export function decodeGlobalId(id: string): GlobalId {
  const text = id.length > MAX_ID_LENGTH ? "" : Buffer.from(id, "base64url").toString("latin1");
  const [typename = "", ...parts] = text.split(":");
  // Base64 has many spellings of the same bytes: only the one that this API writes is an id.
  if (!FORM.test(text) || encodeGlobalId(typename, ...parts) !== id) throw refuseId(id);
  return { typename, parts };
}

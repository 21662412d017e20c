/** Global object ids: base64url of the type's name and the parts of its key. Opaque to callers. */
import { ApiError } from "../errors.ts";

export interface GlobalId {
  readonly typename: string;
  /** The parts of the key, and last the second that the object was looked at, if that was not now. */
  readonly parts: readonly string[];
}

const FORM = /^[A-Z][A-Za-z]{0,40}(?::[0-9a-zA-Z_-]{0,90}){1,4}$/;

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
  const text = Buffer.from(id, "base64url").toString("latin1");
  if (!FORM.test(text)) throw refuseId(id);
  const [typename = "", ...parts] = text.split(":");
  return { typename, parts };
}

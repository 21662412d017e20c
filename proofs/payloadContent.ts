/** Checks whether a payload's halves hash to what was signed, in every form that relays are known to upload. */

import type { Hex } from "./hex.ts";
import { type JsonDocument, JsonTextError, readJson } from "./jsonText.ts";
import type { PayloadLimits } from "./payloadLimits.ts";
import { isJsonList, isJsonObject, type JsonValue, pythonJson } from "./pythonJson.ts";
import { hashOfRequest, RequestShapeError } from "./requestHash.ts";
import { contentHash, responseContent } from "./responseHash.ts";

export interface ContentMatch {
  /** Null when the content does not decide it. */
  readonly matches: boolean | null;
  /** Why it does not match; null when it does. */
  readonly detail: string | null;
  /** The request or answer, read as JSON where the blob holds it as text of JSON. */
  readonly value: JsonValue;
}

/**
 * A request matches when its hash as nodes take it, or the hash of its own text, or of its text as Python writes it, is
 * the signed one: under whichever reading, only who knew the content can have made it hash so. It fails to match when it
 * is a request, unless it holds integers in parts that are hashed as they stand: a relay that passes JSON through
 * JavaScript turns `1.0` into `1` there and rounds large ones, so the text that was hashed is lost.
 */
export function matchInput(blob: JsonDocument, signed: Hex, limits: PayloadLimits): ContentMatch {
  const { value, texts } = readMember(blob, "input", limits);
  const canonical = canonicalHash(value);
  if (canonical === signed || hashesTo(texts, signed)) return { matches: true, detail: null, value };
  if (isJsonObject(value) && hashesTo([pythonJson(value)], signed))
    return { matches: true, detail: null, value };
  if (typeof canonical !== "string")
    return { matches: null, detail: `the request's hash cannot be recomputed: ${canonical.message}`, value };
  if (holdsFragileInteger(value))
    return {
      matches: null,
      detail: "the request's hash cannot be recomputed: its integers may have been floats",
      value,
    };
  return { matches: false, detail: `the request hashes to ${canonical}, signed is ${signed}`, value };
}

/** An answer matches when its content, or its own text, hashes to the signed value. */
export function matchOutput(blob: JsonDocument, signed: Hex, limits: PayloadLimits): ContentMatch {
  const { value, texts } = readMember(blob, "output", limits);
  const content = typeof value === "string" ? value : responseContent(value);
  if (hashesTo(content === null ? texts : [content, ...texts], signed))
    return { matches: true, detail: null, value };
  const hash = content === null ? null : contentHash(content);
  if (hash === null)
    return { matches: null, detail: "the answer's hash cannot be recomputed: it has no content", value };
  return { matches: false, detail: `the answer hashes to ${hash}, signed is ${signed}`, value };
}

/** A member's value and the texts it may have been hashed as; text of a JSON object is read as that object. */
function readMember(blob: JsonDocument, name: string, limits: PayloadLimits) {
  const value = blob.members.get(name) ?? null;
  if (typeof value !== "string") return { value, texts: [blob.texts.get(name) ?? ""] };
  return { value: objectIn(value, limits) ?? value, texts: [value] };
}

function objectIn(text: string, limits: PayloadLimits): JsonValue | null {
  if (!/^\s*\{/.test(text)) return null;
  try {
    return readJson(text, { ...limits, maxLength: limits.maxBytes });
  } catch (error) {
    if (error instanceof JsonTextError) return null;
    throw error;
  }
}

function canonicalHash(request: JsonValue): Hex | RequestShapeError {
  try {
    return hashOfRequest(request).hash;
  } catch (error) {
    if (error instanceof RequestShapeError) return error;
    throw error;
  }
}

const hashesTo = (texts: readonly string[], signed: Hex): boolean =>
  texts.some((text) => contentHash(text) === signed);

/** Members whose numbers are hashed as they stand; `temperature` is always a float, `max_tokens` never one. */
const COPIED = ["messages", "stop", "tools", "response_format"];

const holdsFragileInteger = (request: JsonValue): boolean =>
  isJsonObject(request) && COPIED.some((name) => holdsInteger(request.get(name) ?? null));

function holdsInteger(value: JsonValue): boolean {
  if (typeof value === "bigint") return true;
  if (isJsonList(value)) return value.some(holdsInteger);
  return isJsonObject(value) && [...value.values()].some(holdsInteger);
}

/**
 * Reads the payload blob of an individual settlement: request and answer in plain text. Anyone can upload one and refer to it
 * in a settlement, so nothing in it counts except what hashes to the signed values.
 *
 * Known shape: `{ input, output, teeSignature, teeId, timestamp, ethAddress[, inputHash, outputHash] }`.
 * @see docs/protocol.md, "Payloads"
 */

import { type JsonDocument, JsonTextError, readJsonDocument } from "./jsonText.ts";
import { type Claim, differingClaims, type ExpectedInference } from "./payloadClaims.ts";
import { type ContentMatch, matchInput, matchOutput } from "./payloadContent.ts";
import { PAYLOAD_LIMITS, type PayloadLimits } from "./payloadLimits.ts";
import { isJsonObject, type JsonValue } from "./pythonJson.ts";
import { shownText } from "./shownText.ts";

/**
 * - of `invalid`: `too-large`, `too-deep`, `not-utf8`, `not-json` (a byte-order mark included), `wrong-shape`
 * - of `unmatched`: `contents-differ`, `input-differs`, `output-differs`; `claims-differ` (the blob itself names another
 *   node, time, signature or hash, whatever its content); `not-recomputable`
 */
export type PayloadReason =
  | "too-large"
  | "too-deep"
  | "not-utf8"
  | "not-json"
  | "wrong-shape"
  | "contents-differ"
  | "input-differs"
  | "output-differs"
  | "claims-differ"
  | "not-recomputable";

export interface PayloadReading {
  /**
   * `matched`: both hashes, recomputed from `input` and `output`, equal the signed ones, and nothing else in the blob
   * contradicts what was signed.
   */
  readonly state: "matched" | "unmatched" | "invalid";
  readonly reason: PayloadReason | null;
  /** A sentence with the value and the rule, without untrusted text; null when there is nothing to say. */
  readonly detail: string | null;
  /** At most 200 characters, no control characters. See {@link readPayload} for when it is signed. */
  readonly model: string | null;
  /** 0 to 2^53-1. */
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /**
   * Whether the request hashes to the signed input hash. Where it cannot be recomputed: false when a hash that the blob
   * claims differs from the signed one, else null; that a claim is equal proves nothing.
   */
  readonly inputMatches: boolean | null;
  /** The same for the answer. */
  readonly outputMatches: boolean | null;
}

const MODEL_LENGTH = 200;

/**
 * Reads a payload blob and compares it with what was signed; never throws because of the blob's content.
 *
 * The model of a matching request is signed. Otherwise model and tokens are the blob's own claims, returned only when the half
 * that contains them matches, or when nothing in the blob contradicts that it belongs to the inference. Token counts are never
 * signed.
 */
export function readPayload(
  bytes: Uint8Array,
  expected: ExpectedInference,
  limits: PayloadLimits = PAYLOAD_LIMITS,
): PayloadReading {
  const document = parse(bytes, limits);
  if ("reason" in document) return document;
  const { members } = document;
  const input = matchInput(document, expected.inputHash, limits);
  const output = matchOutput(document, expected.outputHash, limits);
  const claims = differingClaims(members, output.value, expected);
  const inputMatches = input.matches ?? (claims.has("input hash") ? false : null);
  const outputMatches = output.matches ?? (claims.has("output hash") ? false : null);
  const uncontradicted = inputMatches !== false && outputMatches !== false && claims.size === 0;
  const requestSpeaks = inputMatches === true || uncontradicted;
  const responseSpeaks = outputMatches === true || uncontradicted;
  const usage = responseSpeaks ? member(output.value, "usage") : null;
  return {
    ...judge(input, output, claims),
    model:
      (requestSpeaks ? shownModel(member(input.value, "model")) : null) ??
      (responseSpeaks ? shownModel(member(output.value, "model")) : null),
    promptTokens: tokenCount(member(usage, "prompt_tokens")),
    completionTokens: tokenCount(member(usage, "completion_tokens")),
    inputMatches,
    outputMatches,
  };
}

function parse(bytes: Uint8Array, limits: PayloadLimits): JsonDocument | PayloadReading {
  if (bytes.length > limits.maxBytes)
    return invalid("too-large", `the blob has ${bytes.length} bytes; ${limits.maxBytes} are allowed`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return invalid("not-utf8", `the blob's ${bytes.length} bytes are not UTF-8`);
  }
  try {
    const document = readJsonDocument(text, { ...limits, maxLength: limits.maxBytes });
    if (document?.members.has("input") || document?.members.has("output")) return document;
    return invalid("wrong-shape", "the blob is not a JSON object with input and output");
  } catch (error) {
    if (error instanceof JsonTextError) return invalid(error.code, error.message);
    throw error;
  }
}

const invalid = (reason: PayloadReason, detail: string): PayloadReading => ({
  state: "invalid",
  reason,
  detail,
  model: null,
  promptTokens: null,
  completionTokens: null,
  inputMatches: null,
  outputMatches: null,
});

function judge(
  input: ContentMatch,
  output: ContentMatch,
  claims: ReadonlySet<Claim>,
): Pick<PayloadReading, "state" | "reason" | "detail"> {
  if (input.matches && output.matches && claims.size === 0)
    return { state: "matched", reason: null, detail: null };
  const claimed =
    claims.size > 0
      ? `what the blob says of its ${[...claims].join(", ")} differs from what was signed`
      : null;
  const details = [input.detail, output.detail, claimed].filter((detail) => detail !== null);
  return { state: "unmatched", reason: unmatchedReason(input, output, claims), detail: details.join("; ") };
}

function unmatchedReason(
  input: ContentMatch,
  output: ContentMatch,
  claims: ReadonlySet<Claim>,
): PayloadReason {
  if (input.matches === false && output.matches === false) return "contents-differ";
  if (input.matches === false) return "input-differs";
  if (output.matches === false) return "output-differs";
  return claims.size > 0 ? "claims-differ" : "not-recomputable";
}

const member = (value: JsonValue, name: string): JsonValue =>
  isJsonObject(value) ? (value.get(name) ?? null) : null;

const shownModel = (model: JsonValue): string | null =>
  typeof model === "string" ? shownText(model, MODEL_LENGTH) || null : null;

/** Whole numbers of 0 to 2^53-1, written as integers or floats; anything else is no count. */
function tokenCount(value: JsonValue): number | null {
  const count = typeof value === "bigint" ? Number(value) : value;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? Math.abs(count) : null;
}

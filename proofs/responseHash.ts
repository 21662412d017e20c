/**
 * Hashes an answer as nodes do: the assistant's text, or its tool calls.
 * @see docs/protocol.md, "What is hashed"
 */

import type { Hex } from "./hex.ts";
import { readJson } from "./jsonText.ts";
import { keccak256Hex } from "./keccak.ts";
import { isJsonList, isJsonObject, type JsonObject, type JsonValue, pythonJson } from "./pythonJson.ts";

/** Thrown for JSON that is not a node's answer: it has no hash. */
export class ResponseShapeError extends Error {
  override readonly name = "ResponseShapeError";
  readonly code = "not-a-response";
}

/**
 * @param response - JSON: the gateway's answer, or what an SDK made of it.
 * @returns keccak256 of its content: the `outputHash` of settlements.
 * @throws {JsonTextError} when it is no JSON, {@link ResponseShapeError} when it has no content that can be hashed.
 */
export const outputHash = (response: string): Hex => hashOfResponse(readJson(response));

/** @throws {ResponseShapeError} when it has no content that can be hashed. */
export function hashOfResponse(response: JsonValue): Hex {
  const content = responseContent(response);
  const hash = content === null ? null : contentHash(content);
  if (hash === null)
    throw new ResponseShapeError(
      "the response has no choices[0].message with content or tool_calls; give the gateway's whole answer",
    );
  return hash;
}

/** @returns null for text with a lone surrogate, which has no UTF-8: no node can have hashed it. */
export const contentHash = (content: string): Hex | null =>
  /\p{Surrogate}/u.test(content) ? null : keccak256Hex(Buffer.from(content, "utf8"));

/**
 * What a node hashes of its answer: the tool calls as Python's `json.dumps(tool_calls, sort_keys=True)` when
 * `finish_reason` is `tool_calls`, else the assistant's text; content in parts is joined, null counts as empty.
 *
 * Read are the gateway's shape (`choices[0].message`, of a text completion `choices[0].text`), an SDK's result
 * (`chat_output` or `chatOutput`, `finish_reason` or `finishReason`, `completion_output`), and a message by itself, whose
 * tool calls count when it has no text.
 * @returns null when there is neither.
 */
export function responseContent(response: JsonValue): string | null {
  if (!isJsonObject(response)) return null;
  const choices = response.get("choices") ?? null;
  const choice = isJsonList(choices) ? choices[0] : response;
  if (!isJsonObject(choice)) return null;
  const message = firstObject(choice, ["message", "chat_output", "chatOutput"]);
  if (message) return messageContent(message, choice.get("finish_reason") ?? choice.get("finishReason"));
  const text = choice.get("text") ?? choice.get("completion_output") ?? choice.get("completionOutput");
  if (typeof text === "string") return text;
  if (!choice.has("content")) return null;
  const content = messageContent(choice, choice.get("finish_reason"));
  return content === "" ? messageContent(choice, "tool_calls") : content;
}

const firstObject = (parent: JsonObject, names: readonly string[]): JsonObject | undefined =>
  names.map((name) => parent.get(name)).find(isJsonObject);

function messageContent(message: JsonObject, finishReason: JsonValue | undefined): string | null {
  const calls = message.get("tool_calls") ?? null;
  if (finishReason === "tool_calls" && isJsonList(calls) && calls.length > 0) return pythonJson(calls);
  const content = message.get("content") ?? "";
  if (typeof content === "string") return content;
  return isJsonList(content) ? content.map(partText).join("") : null;
}

function partText(part: JsonValue): string {
  if (typeof part === "string") return part;
  const text = isJsonObject(part) ? part.get("text") : undefined;
  return typeof text === "string" ? text : "";
}

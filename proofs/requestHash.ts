/**
 * The hash of a request as nodes take it: of the part of the request they commit to, in one spelling.
 * @see docs/protocol.md, "What the hashes are of"
 */

import type { Hex } from "./hex.ts";
import { readJson } from "./jsonText.ts";
import { keccak256Hex } from "./keccak.ts";
import {
  isJsonList,
  isJsonObject,
  isTruthy,
  type JsonObject,
  type JsonValue,
  pythonJson,
} from "./pythonJson.ts";

/** JSON, but no request that a node answers, so there is no hash of it. */
export class RequestShapeError extends Error {
  override readonly name = "RequestShapeError";
  readonly code = "not-a-request";
}

export interface RequestHash {
  /** What is hashed; ASCII. */
  readonly canonical: string;
  /** keccak256 of its bytes: the `inputHash` of settlements. */
  readonly hash: Hex;
}

/**
 * @param request - the JSON sent to `/v1/chat/completions` (or `/v1/completions`), whatever else it holds.
 * @throws {JsonTextError} when it is no JSON, {@link RequestShapeError} when it is no request.
 */
export const requestHash = (request: string): RequestHash => hashOfRequest(readJson(request));

/** @throws {RequestShapeError} when it is no request. */
export function hashOfRequest(request: JsonValue): RequestHash {
  const canonical = pythonJson(canonicalRequest(request));
  return { canonical, hash: keccak256Hex(Buffer.from(canonical, "latin1")) };
}

/**
 * What a node commits to of a request: `model`, `messages`, `temperature` (a float, 0.0 when absent or null), `max_tokens`
 * unless null, and `stop`, `tools`, `response_format` and `web_search: true` unless empty, null, false or zero. Other
 * members are not signed. A request without `messages` but with a `prompt` is a text completion, hashed with `prompt`.
 *
 * Of a message stay: its role (`developer` becomes `system`) and content, of an assistant its `tool_calls` unless empty
 * (`id`, `type`, `function.name` and `function.arguments`; content that is null or empty becomes `""`), of a tool its
 * `tool_call_id`, of a function its `name`. A user's content parts become `{type, text}` or, for attachments,
 * `{type[, filename]}`; other roles' contents stay as they are.
 * @throws {RequestShapeError} where a node would have refused it: no model, no messages, an unknown role.
 */
export function canonicalRequest(request: JsonValue): JsonObject {
  if (!isJsonObject(request))
    throw new RequestShapeError("a request is a JSON object with model and messages");
  const model = request.get("model");
  if (typeof model !== "string" || model === "") throw new RequestShapeError("the request has no model");
  const canonical = new Map<string, JsonValue>([["model", model], promptOf(request)]);
  canonical.set("temperature", temperatureOf(request.get("temperature") ?? null));
  const maxTokens = request.get("max_tokens") ?? null;
  if (maxTokens !== null) canonical.set("max_tokens", maxTokens);
  for (const name of ["stop", "tools", "response_format"]) {
    const value = request.get(name) ?? null;
    if (isTruthy(value)) canonical.set(name, value);
  }
  if (isTruthy(request.get("web_search"))) canonical.set("web_search", true);
  return canonical;
}

function promptOf(request: JsonObject): [string, JsonValue] {
  const [messages, prompt] = [request.get("messages") ?? null, request.get("prompt") ?? null];
  if (messages === null && typeof prompt === "string") return ["prompt", prompt];
  if (!isJsonList(messages)) throw new RequestShapeError("the request's messages are not a list");
  return ["messages", messages.map(canonicalMessage)];
}

function temperatureOf(temperature: JsonValue): number {
  if (temperature === null) return 0;
  const float = typeof temperature === "bigint" ? Number(temperature) : temperature;
  // An integer beyond all floats makes Python's float() fail.
  if (typeof float === "number" && (typeof temperature === "number" || Number.isFinite(float))) return float;
  throw new RequestShapeError("the request's temperature is not a number that fits a float");
}

function canonicalMessage(message: JsonValue, index: number): JsonObject {
  const role = isJsonObject(message) ? message.get("role") : undefined;
  if (!isJsonObject(message) || typeof role !== "string")
    throw new RequestShapeError(`message ${index} is no object with a role`);
  const content = message.get("content") ?? null;
  switch (role) {
    case "system":
    case "developer":
      return object({ role: "system", content });
    case "user":
      return object({ role, content: userContent(content, index) });
    case "assistant":
      return object({ role, content: isTruthy(content) ? content : "", ...toolCalls(message, index) });
    case "tool":
      return object({ role, content, tool_call_id: message.get("tool_call_id") ?? null });
    case "function":
      return object({ role, content, name: message.get("name") ?? null });
    default:
      throw new RequestShapeError(
        `message ${index} has none of the roles system, developer, user, assistant, tool and function`,
      );
  }
}

function userContent(content: JsonValue, message: number): JsonValue {
  if (typeof content === "string") return content;
  if (!isJsonList(content))
    throw new RequestShapeError(`message ${message} has neither text nor parts as content`);
  return content.map((part) => {
    if (typeof part === "string") return object({ type: "text", text: part });
    if (!isJsonObject(part)) throw new RequestShapeError(`message ${message} has a part that is no object`);
    const type = part.get("type") ?? null;
    const text = part.get("text") ?? null;
    if (type === "text") return object({ type, text: isTruthy(text) ? text : "" });
    const file = part.get("file");
    const named = isJsonObject(file) ? file.get("filename") : undefined;
    const filename = (isTruthy(named) ? named : part.get("filename")) ?? null;
    return object({ type, ...(isTruthy(filename) ? { filename } : {}) });
  });
}

function toolCalls(message: JsonObject, index: number): Record<string, JsonValue> {
  const calls = message.get("tool_calls") ?? null;
  if (!isTruthy(calls)) return {};
  if (!isJsonList(calls)) throw new RequestShapeError(`message ${index} has tool_calls that are not a list`);
  return {
    tool_calls: calls.map((call) => {
      const called = isJsonObject(call) ? (call.get("function") ?? new Map()) : undefined;
      if (!isJsonObject(call) || !isJsonObject(called))
        throw new RequestShapeError(`message ${index} has a tool call that is no object`);
      return object({
        id: call.get("id") ?? "",
        type: call.get("type") ?? "function",
        function: object({ name: called.get("name") ?? "", arguments: called.get("arguments") ?? "" }),
      });
    }),
  };
}

const object = (members: Readonly<Record<string, JsonValue>>): JsonObject => new Map(Object.entries(members));

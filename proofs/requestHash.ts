/**
 * Hashes a request as nodes do: the part of the request that they commit to, in canonical form.
 * @see docs/protocol.md, "What is hashed"
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
  pythonFloat,
  pythonJson,
} from "./pythonJson.ts";

/** Thrown for JSON that is not a request a node would answer: it has no hash. */
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
 * What a node commits to of a request: `model`, `messages`, `temperature` (as Python's `float()` reads it, 0.0 when absent
 * or null), `max_tokens` unless null, and `stop`, `tools`, `response_format` and `web_search: true` unless empty, null, false or zero. Other
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

/** Text that Python's float() reads: digits may be parted by single underscores. */
const FLOAT_TEXT =
  /^[+-]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?|inf(?:inity)?|nan)$/i;

/** What Python's `float()` makes of it; 0.0 when it is null. */
function temperatureOf(temperature: JsonValue): number {
  if (temperature === null) return 0;
  if (typeof temperature === "number") return temperature;
  if (typeof temperature === "boolean") return Number(temperature);
  const float =
    typeof temperature === "bigint"
      ? Number(temperature)
      : typeof temperature === "string"
        ? floatOfText(temperature.trim())
        : null;
  // an integer beyond all floats makes float() fail
  if (float !== null && (typeof temperature === "string" || Number.isFinite(float))) return float;
  throw new RequestShapeError("the request's temperature is not a number that fits a float");
}

function floatOfText(text: string): number | null {
  if (!FLOAT_TEXT.test(text)) return null;
  const plain = text.toLowerCase().replaceAll("_", "");
  if (plain.includes("nan")) return Number.NaN;
  if (plain.includes("inf"))
    return plain.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(plain);
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
  if (!isJsonList(content)) return asText(content, message);
  return content.map((part) => {
    if (!isJsonObject(part)) return object({ type: "text", text: asText(part, message) });
    const type = part.get("type") ?? null;
    const text = part.get("text") ?? null;
    if (type === "text") return object({ type, text: isTruthy(text) ? text : "" });
    const file = part.get("file");
    const named = isJsonObject(file) ? file.get("filename") : undefined;
    const filename = (isTruthy(named) ? named : part.get("filename")) ?? null;
    return object({ type, ...(isTruthy(filename) ? { filename } : {}) });
  });
}

/** What Python's `str()` makes of it. */
function asText(value: JsonValue, message: number): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number")
    return Number.isFinite(value) ? pythonFloat(value) : (NOT_FINITE[String(value)] ?? "");
  throw new RequestShapeError(
    `message ${message} has neither text nor parts of it and of attachments as content`,
  );
}

const NOT_FINITE: Readonly<Record<string, string>> = { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" };

function toolCalls(message: JsonObject, index: number): Record<string, JsonValue> {
  const calls = message.get("tool_calls") ?? null;
  if (!isTruthy(calls)) return {};
  if (!isJsonList(calls)) throw new RequestShapeError(`message ${index} has tool_calls that are not a list`);
  return {
    tool_calls: calls.map((call) => {
      const called = isJsonObject(call) ? given(call, "function", new Map()) : undefined;
      if (!isJsonObject(call) || !isJsonObject(called))
        throw new RequestShapeError(`message ${index} has a tool call that is no object`);
      return object({
        id: given(call, "id", ""),
        type: given(call, "type", "function"),
        function: object({ name: given(called, "name", ""), arguments: given(called, "arguments", "") }),
      });
    }),
  };
}

/** A member that is there, null too, else what stands for it. */
const given = (object: JsonObject, name: string, absent: JsonValue): JsonValue => {
  const value = object.get(name);
  return value === undefined ? absent : value;
};

const object = (members: Readonly<Record<string, JsonValue>>): JsonObject => new Map(Object.entries(members));

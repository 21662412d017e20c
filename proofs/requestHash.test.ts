import fc from "fast-check";
import { keccak256, stringToHex } from "viem";
import { describe, expect, it } from "vitest";
import { JsonTextError } from "./jsonText.ts";
import { RequestShapeError, requestHash } from "./requestHash.ts";
import { askPython, pythonVersion } from "./testing/python.ts";

/** The rules of docs/protocol.md once more, in the nodes' own language. */
const CANONICAL = `
def part(p):
    if not isinstance(p, dict): return {"type": "text", "text": str(p)}
    if p.get("type") == "text": return {"type": "text", "text": p.get("text") or ""}
    f = p.get("file")
    name = (f.get("filename") if isinstance(f, dict) else None) or p.get("filename")
    return {"type": p.get("type"), **({"filename": name} if name else {})}
def call(c):
    f = c.get("function", {})
    called = {"name": f.get("name", ""), "arguments": f.get("arguments", "")}
    return {"id": c.get("id", ""), "type": c.get("type", "function"), "function": called}
def user(c):
    if isinstance(c, list): return [part(p) for p in c]
    return c if isinstance(c, str) else str(c)
def message(m):
    role, content = m["role"], m.get("content")
    if role in ("system", "developer"): return {"role": "system", "content": content}
    if role == "user": return {"role": role, "content": user(content)}
    if role == "assistant":
        calls = [call(c) for c in m.get("tool_calls") or []]
        return {"role": role, "content": content or "", **({"tool_calls": calls} if calls else {})}
    if role == "tool": return {"role": role, "content": content, "tool_call_id": m.get("tool_call_id")}
    return {"role": role, "content": content, "name": m.get("name")}
def answer(text):
    r = json.loads(text)
    c = {"model": r["model"], "messages": [message(m) for m in r["messages"]]}
    c["temperature"] = 0.0 if r.get("temperature") is None else float(r["temperature"])
    if r.get("max_tokens") is not None: c["max_tokens"] = r["max_tokens"]
    for k in ("stop", "tools", "response_format"):
        if r.get(k): c[k] = r[k]
    if r.get("web_search"): c["web_search"] = True
    return json.dumps(c, sort_keys=True)`;

const canonicalOf = (text: string) => requestHash(text).canonical;
const ask = (members: string, content = '"hi"') =>
  `{"model": "openai/gpt-5-mini", "messages": [{"role": "user", "content": ${content}}]${members && `, ${members}`}}`;
const talk = (...messages: string[]) => `{"model": "m", "messages": [${messages.join(", ")}]}`;

const TEMPERATURES = [
  ..."0 1 1.0 0.7 0.1 1e-7 1E-7 1e16 1e22 -0.0 -0 2 9007199254740993 0.30000000000000004 1.5e300 null true false".split(
    " ",
  ),
  // as text, which float() reads
  ...'"0.7" "1" " -2.50\\n" "1e-7" "1E400" "-1e400" "1_000.5_0" ".5" "5." "+3" "inf" "-Infinity" "NaN" "1e+2" "007"'.split(
    / (?=")/,
  ),
  ..."5e-324 NaN Infinity -Infinity 1e23 123456789012345680 4.35".split(" "),
];
const CONTENTS = [
  '""',
  '"Zürich, 東京, Ελλάδα"',
  '"😀 \\ud83d\\ude00"',
  '"\\ud83d alone"',
  '"quotes \\" and \\\\ and / and \\/"',
  '"\\u0000\\u0001\\n\\t\\r\\b\\f\\u001f \u007f \u0080 \u2028 \u2029"',
  "[]",
  '[{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR"}}]',
  '[{"type": "file", "file": {"filename": "Straße.pdf", "file_data": "data:application/pdf;base64,JVBE"}}]',
  '[{"type": "input_file", "filename": "a.txt"}, {"type": "file", "file": {"filename": ""}}, {"text": "no type"}]',
  '["a part of text", {"type": "text", "text": null, "cache_control": {"type": "ephemeral"}}]',
  // what is neither is made text of
  "null",
  "7",
  "1e22",
  "true",
  '[null, 7, -0.0, 1e-7, NaN, Infinity, false, {"type": "file", "file": "a.txt", "filename": "b.txt"}]',
];
const TOOLS = `"tools": [{"type": "function", "function": {"name": "get_weather", "strict": true, "parameters": {
  "type": "object", "required": ["city"], "additionalProperties": false, "properties": {
    "\u{1f3d9}": {"type": "string"}, "\uff5e": {"enum": ["a", null, 1, 1.0, -0.0, 1e-7, 1E400, 12345678901234567890]},
    "city": {"type": "string", "description": "Stra\\u00dfe \\ud83c\\udfd9"}, "days": {"minimum": 1, "maximum": 7.0}}}}}]`;

const REQUESTS = [
  ...TEMPERATURES.map((temperature) => ask(`"temperature": ${temperature}`)),
  ...CONTENTS.map((content) => ask("", content)),
  ask('"max_tokens": 256, "stop": "\\n", "web_search": true'),
  ask('"max_tokens": 0, "stop": ["a", "\\u00e9"], "web_search": false'),
  ask('"max_tokens": null, "stop": null, "tools": null, "response_format": null, "web_search": null'),
  ask('"stop": [], "tools": [], "response_format": {}, "web_search": 1'),
  ask('"max_tokens": 1e3, "stop": ""'),
  ask('"stream": true, "top_p": 0.5, "n": 1, "user": "u", "seed": 7, "tool_choice": "auto", "zzz": [1]'),
  ask(`${TOOLS}, "temperature": 0.2`),
  ask(
    '"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"b": 1.50, "a": [true, null]}}}',
  ),
  ask('"model": "the last of two keys", "temperature": 0.5, "temperature": 1'),
  talk('{"role": "system", "content": "s"}', '{"role": "developer", "content": "d", "name": "n"}'),
  talk(
    '{"role": "system", "content": [{"type": "text", "text": "kept", "extra": 1}]}',
    '{"role": "developer"}',
  ),
  talk(
    '{"content": "any order", "name": "dropped", "role": "user"}',
    '{"role": "assistant", "content": "ok", "refusal": null}',
  ),
  talk(
    '{"role": "user", "content": "weather?"}',
    `{"role": "assistant", "content": null, "tool_calls": [{"index": 0, "id": "call_1", "type": "function",
      "function": {"arguments": "{\\"city\\": \\"Z\\u00fcrich\\"}", "name": "get_weather"}}]}`,
    '{"role": "tool", "tool_call_id": "call_1", "content": "{\\"t\\": 21.0}", "name": "get_weather"}',
    '{"role": "function", "name": "old", "content": null}',
  ),
  talk(
    '{"role": "assistant", "tool_calls": [{}, {"id": null, "type": null, "function": {"name": null, "arguments": null}}]}',
    '{"role": "assistant", "content": 0, "tool_calls": [{"function": {"arguments": {"a": 1.0, "\\ue000": 2, "\\ud83d\\ude00": 3}}}]}',
  ),
  talk(
    '{"role": "assistant", "tool_calls": []}',
    '{"role": "assistant", "content": []}',
    '{"role": "tool", "content": ""}',
  ),
  talk(),
];

describe.skipIf(pythonVersion === null)("beside python3", () => {
  it("commits to what nodes commit to, in their spelling", () => {
    expect(REQUESTS.map(canonicalOf)).toEqual(askPython(CANONICAL, REQUESTS));
  });

  it("agrees on any request", () => {
    const requests = fc.sample(anyRequest, { numRuns: 1500, seed: 20261101 });
    expect(requests.map(canonicalOf)).toEqual(askPython(CANONICAL, requests));
  });
});

it("hashes the canonical text with keccak256", () => {
  const { canonical, hash } = requestHash(ask('"temperature": 1, "max_tokens": 5', '"é"'));
  expect(canonical).toBe(
    '{"max_tokens": 5, "messages": [{"content": "\\u00e9", "role": "user"}], "model": "openai/gpt-5-mini", "temperature": 1.0}',
  );
  expect(hash).toBe(keccak256(stringToHex(canonical)));
});

it("hashes a text completion by its prompt", () => {
  expect(canonicalOf('{"model": "m", "prompt": "Once", "max_tokens": 9, "echo": true}')).toBe(
    '{"max_tokens": 9, "model": "m", "prompt": "Once", "temperature": 0.0}',
  );
});

it("refuses what no node answers", () => {
  const refused = [
    ...["[]", "null", '"text"', "{}", '{"model": "m"}', '{"messages": []}', '{"model": "", "messages": []}'],
    '{"model": "m", "messages": {}}',
    ...["", "0,7", "1__0", "_1", "1_", "0x10", "1e", "e5", ".", "infinit", "--1", "1 2"].map((text) =>
      ask(`"temperature": "${text}"`),
    ),
    ask('"temperature": [1]'),
    ask('"temperature": {}'),
    ask(`"temperature": 1${"0".repeat(400)}`),
    ask("", "{}"),
    ask("", '[["a part of parts"]]'),
    talk('"hi"'),
    talk('{"content": "hi"}'),
    talk('{"role": "critic", "content": "hi"}'),
    talk('{"role": "assistant", "tool_calls": "x"}'),
    talk('{"role": "assistant", "tool_calls": ["x"]}'),
  ];
  for (const text of refused) expect(() => requestHash(text), text).toThrow(RequestShapeError);
  expect(() => requestHash('{"model": "m",')).toThrow(JsonTextError);
});

const anyRequest: fc.Arbitrary<string> = (() => {
  const text = fc.string({ unit: "binary", maxLength: 10 });
  const part = fc.oneof(
    text,
    fc.record({ type: fc.constant("text"), text: fc.option(text) }),
    fc.record({
      type: fc.constantFrom("file", "image_url"),
      file: fc.record({ filename: text, file_data: text }),
    }),
  );
  const call = fc.record({
    id: text,
    type: text,
    function: fc.record({ name: text, arguments: text, more: text }),
  });
  const message = fc.oneof(
    fc.record({ role: fc.constantFrom("system", "developer"), content: fc.jsonValue(), name: text }),
    fc.record({ role: fc.constant("user"), content: fc.oneof(text, fc.array(part, { maxLength: 3 })) }),
    fc.record(
      {
        role: fc.constant("assistant"),
        content: fc.option(text),
        tool_calls: fc.array(call, { maxLength: 2 }),
      },
      { requiredKeys: ["role"] },
    ),
    fc.record({ role: fc.constantFrom("tool", "function"), content: text, tool_call_id: text, name: text }),
  );
  return fc
    .record(
      {
        model: fc.string({ unit: "binary", minLength: 1 }),
        messages: fc.array(message, { maxLength: 4 }),
        temperature: fc.option(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())),
        max_tokens: fc.option(fc.nat()),
        stop: fc.jsonValue(),
        tools: fc.array(fc.jsonValue(), { maxLength: 2 }),
        response_format: fc.dictionary(text, fc.jsonValue(), { maxKeys: 3 }),
        web_search: fc.option(fc.boolean()),
        stream: fc.boolean(),
      },
      { requiredKeys: ["model", "messages"] },
    )
    .map((request) => JSON.stringify(request));
})();

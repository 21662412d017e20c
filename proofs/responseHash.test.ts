import { describe, expect, it } from "vitest";
import { JsonTextError, readJson } from "./jsonText.ts";
import { contentHash, outputHash, ResponseShapeError, responseContent } from "./responseHash.ts";
import { askPython, pythonVersion } from "./testing/python.ts";

const answer = (message: string, finishReason = "stop") =>
  `{"id": "chatcmpl-1", "model": "m", "choices": [{"index": 0, "message": ${message}, "finish_reason": "${finishReason}"}]}`;
const CALLS = `[{"type": "function", "id": "call_\\u00e9", "index": 0, "function": {"name": "f", "arguments":
  "{\\"b\\": 1.0, \\"a\\": \\"\\ud83d\\ude00\\"}"}}, {"id": "2", "type": "function", "x": [1, 1.0, 1e-7], "function": {}}]`;

const contentOf = (text: string) => responseContent(readJson(text));

describe.skipIf(pythonVersion === null)("beside python3", () => {
  it("takes tool calls as json.dumps(tool_calls, sort_keys=True)", () => {
    const response = answer(`{"role": "assistant", "content": "", "tool_calls": ${CALLS}}`, "tool_calls");
    const [expected] = askPython(
      'answer = lambda text: json.dumps(json.loads(text)["choices"][0]["message"]["tool_calls"], sort_keys=True)',
      [response],
    );
    expect(contentOf(response)).toBe(expected);
  });
});

it("takes the assistant's text, joined when it comes in parts, empty when it is null", () => {
  expect(contentOf(answer('{"role": "assistant", "content": "Zürich \\ud83d\\ude00\\n"}'))).toBe(
    "Zürich 😀\n",
  );
  expect(contentOf(answer('{"content": [{"type": "text", "text": "a"}, "b", {"type": "image"}]}'))).toBe(
    "ab",
  );
  expect(contentOf(answer('{"role": "assistant", "content": null}'))).toBe("");
  expect(contentOf(answer(`{"content": "said", "tool_calls": ${CALLS}}`, "stop"))).toBe("said");
  expect(contentOf(answer('{"content": "said", "tool_calls": []}', "tool_calls"))).toBe("said");
});

it("reads what SDKs make of an answer", () => {
  const calls = contentOf(answer(`{"tool_calls": ${CALLS}}`, "tool_calls"));
  expect(contentOf('{"chat_output": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}')).toBe(
    "x",
  );
  expect(
    contentOf(`{"chatOutput": {"content": "", "tool_calls": ${CALLS}}, "finishReason": "tool_calls"}`),
  ).toBe(calls);
  expect(contentOf('{"completion_output": "y", "chat_output": null}')).toBe("y");
  expect(contentOf('{"choices": [{"text": "z", "index": 0}]}')).toBe("z");
  expect(contentOf('{"role": "assistant", "content": "w"}')).toBe("w");
  expect(contentOf(`{"role": "assistant", "content": null, "tool_calls": ${CALLS}}`)).toBe(calls);
});

it("hashes the UTF-8 of the content with keccak256", () => {
  // keccak256 of nothing and of "abc", as published with the function.
  expect(outputHash(answer('{"content": ""}'))).toBe(
    "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
  );
  expect(outputHash(answer('{"content": "abc"}'))).toBe(
    "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
  );
});

it("has no hash where a node has none", () => {
  expect(contentHash("half \ud83d a pair")).toBeNull();
  for (const text of [
    "[]",
    "{}",
    '{"choices": []}',
    '{"choices": [1]}',
    '{"error": "x"}',
    answer('{"content": 7}'),
  ])
    expect(() => outputHash(text), text).toThrow(ResponseShapeError);
  expect(() => outputHash(answer('{"content": "\\ud83d"}'))).toThrow(ResponseShapeError);
  expect(() => outputHash("")).toThrow(JsonTextError);
});

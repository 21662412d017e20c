import { expect, it } from "vitest";
import { PythonFloat, pythonJson } from "./pythonJson.ts";

it("writes what Python's json.dumps(value, sort_keys=True) writes", () => {
  const value = {
    temperature: new PythonFloat(0),
    model: "m",
    messages: [{ role: "user", content: 'Zürich "ok"\n\u{1f600}\u007f' }],
    max_tokens: 5,
    web_search: true,
    top: new PythonFloat(0.7),
  };
  // From Python 3.11: json.dumps({...}, sort_keys=True)
  expect(pythonJson(value)).toBe(
    '{"max_tokens": 5, "messages": [{"content": "Z\\u00fcrich \\"ok\\"\\n\\ud83d\\ude00\u007f", "role": "user"}], ' +
      '"model": "m", "temperature": 0.0, "top": 0.7, "web_search": true}',
  );
});

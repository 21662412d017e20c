import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Hex } from "./hex.ts";
import { readJson } from "./jsonText.ts";
import { readPayload } from "./payload.ts";
import type { ExpectedInference } from "./payloadClaims.ts";
import { PAYLOAD_LIMITS } from "./payloadLimits.ts";
import { pythonJson } from "./pythonJson.ts";
import { requestHash } from "./requestHash.ts";
import { contentHash } from "./responseHash.ts";

const REQUEST =
  '{"model":"m/1","messages":[{"role":"user","content":"Zürich?"}],"temperature":1,"max_tokens":9}';
const CONTENT = "Yes, 😀.";
const hashOf = (content: string) => {
  const hash = contentHash(content);
  if (hash === null) throw new Error(`${content} has no UTF-8`);
  return hash;
};
const EXPECTED: ExpectedInference = {
  teeId: `0x${"ab".repeat(32)}`,
  inputHash: requestHash(REQUEST).hash,
  outputHash: hashOf(CONTENT),
  timestamp: 1793493936n,
  signature: `0x${"cd".repeat(256)}`,
};
const OTHER: Hex = `0x${"12".repeat(32)}`;

const RESPONSE = {
  id: "chatcmpl-1",
  model: "m/1",
  choices: [{ index: 0, message: { role: "assistant", content: CONTENT }, finish_reason: "stop" }],
  usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  tee_signature: Buffer.alloc(256, 0xcd).toString("base64"),
  tee_request_hash: EXPECTED.inputHash.slice(2),
  tee_output_hash: EXPECTED.outputHash.slice(2),
  tee_timestamp: 1793493936,
  tee_id: EXPECTED.teeId.slice(2),
};
const blobOf = (members: object) => ({
  input: JSON.parse(REQUEST),
  output: RESPONSE,
  teeSignature: RESPONSE.tee_signature,
  teeId: EXPECTED.teeId,
  timestamp: "1793493936",
  ethAddress: "0x9d1B73C3bF2e884B1A104218ADC4C62e194042b1",
  ...members,
});
const read = (members: object, expected: Partial<ExpectedInference> = {}) =>
  readPayload(Buffer.from(JSON.stringify(blobOf(members))), { ...EXPECTED, ...expected });
const MATCHED = {
  state: "matched",
  reason: null,
  detail: null,
  model: "m/1",
  promptTokens: 7,
  completionTokens: 3,
  inputMatches: true,
  outputMatches: true,
};

describe("a payload whose content hashes to what was signed", () => {
  it("matches with the gateway's answer, hashes beside it or not", () => {
    expect(read({})).toEqual(MATCHED);
    expect(
      read({ inputHash: EXPECTED.inputHash, outputHash: EXPECTED.outputHash.toUpperCase().slice(2) }),
    ).toEqual(MATCHED);
    expect(read({}, { signature: undefined })).toEqual(MATCHED);
  });

  it("matches in older shapes: text of JSON, a message alone, plain text, ids with or without 0x, any kind of time", () => {
    expect(read({ input: REQUEST, output: JSON.stringify(RESPONSE) })).toEqual(MATCHED);
    const untold = { ...MATCHED, promptTokens: null, completionTokens: null };
    expect(read({ output: { role: "assistant", content: CONTENT } })).toEqual(untold);
    expect(
      read({ output: CONTENT, teeId: EXPECTED.teeId.slice(2).toUpperCase(), timestamp: 1793493936 }),
    ).toEqual(untold);
    expect(
      read({ output: CONTENT, teeId: undefined, teeSignature: undefined, timestamp: undefined }),
    ).toEqual(untold);
  });

  it("matches when the text itself was hashed", () => {
    const asItStands = JSON.stringify(JSON.parse(REQUEST));
    expect(read({}, { inputHash: hashOf(asItStands), outputHash: EXPECTED.outputHash }).inputMatches).toBe(
      true,
    );
    expect(read({ input: "What is it?" }, { inputHash: hashOf("What is it?") }).inputMatches).toBe(true);
    const search = { query: "Zürich", count: 5 };
    const hashed = hashOf(pythonJson(readJson(JSON.stringify(search))));
    expect(read({ input: search }, { inputHash: hashed }).inputMatches).toBe(true);
    expect(read({ output: { images: [] } }, { outputHash: hashOf('{"images":[]}') }).outputMatches).toBe(
      true,
    );
  });

  it("matches with tool calls", () => {
    const calls = [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }];
    const output = {
      choices: [{ message: { content: "", tool_calls: calls }, finish_reason: "tool_calls" }],
    };
    const outputHash = hashOf(
      '[{"function": {"arguments": "{}", "name": "f"}, "id": "c", "type": "function"}]',
    );
    expect(read({ output }, { outputHash })).toMatchObject({ state: "matched", outputMatches: true });
  });
});

describe("a payload of something else", () => {
  it("does not match, and its word about the half that differs does not count", () => {
    expect(read({}, { inputHash: OTHER })).toMatchObject({
      state: "unmatched",
      reason: "input-differs",
      inputMatches: false,
      outputMatches: true,
      detail: expect.stringContaining(EXPECTED.inputHash),
      model: "m/1",
      promptTokens: 7,
    });
    expect(read({}, { outputHash: OTHER })).toMatchObject({
      state: "unmatched",
      reason: "output-differs",
      inputMatches: true,
      outputMatches: false,
      model: "m/1",
      promptTokens: null,
      completionTokens: null,
    });
    expect(read({}, { inputHash: OTHER, outputHash: OTHER })).toMatchObject({
      state: "unmatched",
      reason: "contents-differ",
      inputMatches: false,
      outputMatches: false,
      model: null,
      promptTokens: null,
      completionTokens: null,
    });
  });

  it("takes the model that was signed over the one the answer names", () => {
    const output = { ...RESPONSE, model: "another" };
    expect(read({ output }).model).toBe("m/1");
    expect(read({ output, input: "gone" }).model).toBe("another");
  });

  it.each([
    ["node id", { teeId: OTHER }],
    ["node id", { output: { ...RESPONSE, tee_id: OTHER } }],
    ["timestamp", { timestamp: "1793493937" }],
    ["timestamp", { output: { ...RESPONSE, tee_timestamp: 0.0 } }],
    ["signature", { teeSignature: Buffer.alloc(256, 1).toString("base64") }],
    ["input hash", { inputHash: OTHER }],
    ["output hash", { output: { ...RESPONSE, tee_output_hash: OTHER.slice(2) } }],
  ])("does not match when it names another %s itself", (claim, members) => {
    expect(read(members)).toEqual({
      ...MATCHED,
      state: "unmatched",
      reason: "claims-differ",
      detail: `what the blob says of its ${claim} differs from what was signed`,
    });
  });
});

describe("a payload that cannot be recomputed", () => {
  const opaque = { input: "a prompt of an older relay", output: { answer: 42 } };

  it("proves nothing by claiming the signed hashes, but is refuted by claiming others", () => {
    const claims = { inputHash: EXPECTED.inputHash, outputHash: EXPECTED.outputHash };
    expect(read({ ...opaque, ...claims })).toMatchObject({
      state: "unmatched",
      reason: "not-recomputable",
      inputMatches: null,
      outputMatches: null,
    });
    expect(read({ ...opaque, inputHash: OTHER })).toMatchObject({
      state: "unmatched",
      reason: "claims-differ",
      inputMatches: false,
      outputMatches: null,
    });
    expect(read({ input: opaque.input, output: undefined, outputHash: OTHER })).toMatchObject({
      outputMatches: false,
    });
  });

  it("names model and tokens while nothing contradicts it", () => {
    const output = { model: "m/2", usage: { prompt_tokens: 1, completion_tokens: 2 } };
    expect(read({ ...opaque, output })).toMatchObject({ model: "m/2", promptTokens: 1, completionTokens: 2 });
    expect(read({ ...opaque, output, timestamp: 1 })).toMatchObject({ model: null, promptTokens: null });
  });

  it("says so of integers that JavaScript may have made of floats", () => {
    const withTools = (minimum: string) =>
      REQUEST.replace("}]", `}],"tools":[{"function":{"parameters":{"minimum":${minimum}}}}]`);
    const inputHash = requestHash(withTools("1.0")).hash;
    // The answer by itself, which claims no hash.
    const readTools = (input: unknown) => read({ input, output: CONTENT }, { inputHash });
    expect(readTools(withTools("1.0")).inputMatches).toBe(true);
    expect(readTools(JSON.parse(withTools("1.0"))).inputMatches).toBeNull();
    expect(readTools(JSON.parse(withTools("1.5"))).inputMatches).toBe(false);
  });
});

describe("a hostile payload", () => {
  const reasonOf = (bytes: Uint8Array, limits = PAYLOAD_LIMITS) => {
    const { state, reason, detail } = readPayload(bytes, EXPECTED, limits);
    expect(state).toBe("invalid");
    expect(detail).toMatch(/^[ -~]+$/);
    return reason;
  };

  it("is invalid for one reason", () => {
    expect(reasonOf(Buffer.alloc(0))).toBe("not-json");
    expect(reasonOf(Buffer.from("\ufeff{}"))).toBe("not-json");
    expect(reasonOf(Buffer.from('{"input": "\u0007"}'))).toBe("not-json");
    expect(reasonOf(Buffer.from([0x7b, 0x22, 0xff, 0x22]))).toBe("not-utf8");
    // A surrogate in UTF-8's clothes.
    expect(reasonOf(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toBe("not-utf8");
    for (const text of ["null", "[]", "{}", '"input"', '{"Input": 1}', "[{}]"])
      expect(reasonOf(Buffer.from(text)), text).toBe("wrong-shape");
    expect(reasonOf(Buffer.from('{"input":'.repeat(1000)))).toBe("too-deep");
    expect(reasonOf(Buffer.alloc(101, "1"), { ...PAYLOAD_LIMITS, maxBytes: 100 })).toBe("too-large");
    expect(reasonOf(Buffer.from('{"input": [1, 2, 3]}'), { ...PAYLOAD_LIMITS, maxValues: 4 })).toBe(
      "too-large",
    );
  });

  it("hides no bomb in text of JSON", () => {
    const input = "[".repeat(100_000);
    expect(read({ input }).inputMatches).toBeNull();
    expect(read({ input: `{"a":${input}` }).inputMatches).toBeNull();
  });

  it("gives text fit to store and counts fit to add", () => {
    const spoken = (model: unknown, tokens: unknown) =>
      read({ input: "gone", output: { model, usage: { prompt_tokens: tokens, completion_tokens: tokens } } });
    expect(spoken("a\u0000b\u001b[31m\u202ec\ud800d\n", 0)).toMatchObject({
      model: "ab[31mcd",
      promptTokens: 0,
    });
    expect([...(spoken("😀".repeat(5000), 1).model ?? "")].length).toBe(200);
    for (const model of ["", "\u0000", 7, null, ["m"], {}]) expect(spoken(model, 1).model).toBeNull();
    for (const tokens of [-1, 1.5, 2 ** 53, 1e300, "7", null, true])
      expect(spoken("m", tokens).promptTokens).toBeNull();
    expect(spoken("m", Number.MAX_SAFE_INTEGER).completionTokens).toBe(Number.MAX_SAFE_INTEGER);
    expect(Object.is(spoken("m", -0).promptTokens, 0)).toBe(true);
  });

  it("never throws, and never matches by chance", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constant(REQUEST),
      fc.constant(RESPONSE),
      fc.string({ unit: "binary" }),
    );
    const names = [
      "input",
      "output",
      "teeId",
      "timestamp",
      "teeSignature",
      "inputHash",
      "outputHash",
      "usage",
    ];
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] }),
        (blob) => {
          const expected = { ...EXPECTED, inputHash: OTHER };
          expect(readPayload(Buffer.from(JSON.stringify(blob)), expected).state).not.toBe("matched");
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readPayload(bytes, EXPECTED).state).not.toBe("matched");
      }),
    );
  });
});

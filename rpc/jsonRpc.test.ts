import { expect, test } from "vitest";
import { classifyError, isPrunedState, logLimit, readAnswer } from "./jsonRpc.ts";

test.each<[string, ReturnType<typeof logLimit>]>([
  ["query exceeds max block range 500", { kind: "range", maxBlocks: 500 }],
  ["requested too many blocks from 0 to 16384, maximum is set to 2048", { kind: "range", maxBlocks: 2048 }],
  ["eth_getLogs is limited to a 10,000 range", { kind: "range", maxBlocks: 10_000 }],
  ["eth_getLogs range is too large, max is 1k blocks", { kind: "range", maxBlocks: 1000 }],
  ["exceed maximum block range: 5000", { kind: "range", maxBlocks: 5000 }],
  ["Maximum allowed number of requested blocks is 10000", { kind: "range", maxBlocks: 10_000 }],
  [
    "block range 2000 exceeds the range allowed for your plan (2000 > 1000)",
    { kind: "range", maxBlocks: 1000 },
  ],
  [
    "You can make eth_getLogs requests with up to a 10 block range. Based on your parameters, this block range should work: [0x1, 0xa]",
    { kind: "range", maxBlocks: 10 },
  ],
  ["block range is too wide", { kind: "range", maxBlocks: undefined }],
  ["query returned more than 10000 results. Try with this block range [0x0, 0x10].", { kind: "size" }],
  [
    "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
    { kind: "size" },
  ],
  ["response too large (HTTP 413)", { kind: "size" }],
  ["rate limit exceeded", undefined],
  ["invalid block range params", undefined],
  ["Internal error", undefined],
])("what eth_getLogs is refused for: %s", (message, expected) => {
  expect(logLimit(message)).toEqual(expected);
});

test.each([
  "missing trie node 00 (path ) state 0x00 is not available, not found",
  "required historical state unavailable (reexec=128)",
  "historical state 0xabc is not available",
  "failed to load state at height 5; version does not exist",
  "distance to target block exceeds maximum proof window",
  "state has been pruned",
])("pruned state: %s", (message) => {
  expect(isPrunedState(message)).toBe(true);
});

test.each(["execution reverted", "method not found", "rate limit exceeded", "insufficient funds"])(
  "not pruned state: %s",
  (message) => {
    expect(isPrunedState(message)).toBe(false);
  },
);

const request = { method: "eth_call", params: [] };

test.each([
  [{ code: -32005, message: "rate limit exceeded" }, "limited"],
  [{ code: 429, message: "slow down" }, "limited"],
  [{ code: -32000, message: "Your app has exceeded its compute units per second capacity" }, "limited"],
  [{ code: -32603, message: "Internal error" }, "fault"],
  [{ code: -32000, message: "service temporarily unavailable" }, "fault"],
  [{ code: 3, message: "execution reverted: limit exceeded" }, "error"],
  [{ code: -32601, message: "the method x does not exist/is not available" }, "error"],
  [{ code: -32602, message: "invalid argument" }, "error"],
])("%o is %s", (error, kind) => {
  expect(classifyError(error, request).kind).toBe(kind);
});

const body = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const large = "x".repeat(5000);

test.each<[string, number, Buffer, string]>([
  ["a result", 200, body({ jsonrpc: "2.0", id: 1, result: null }), "result"],
  ["a large result", 200, body({ jsonrpc: "2.0", id: 1, result: large }), "result"],
  ["a result beside a null error", 200, body({ id: 1, error: null, result: 1 }), "result"],
  [
    "a large error",
    200,
    body({ jsonrpc: "2.0", id: 1, error: { code: 3, message: "reverted", data: large } }),
    "error",
  ],
  ["an error with another status", 400, body({ error: { code: -32602, message: "invalid" } }), "error"],
  ["neither", 200, body({ jsonrpc: "2.0", id: 1 }), "unreachable"],
  ["a cut answer", 200, body('{"jsonrpc":"2.0","id":1,"resu'), "unreachable"],
  ["a page", 502, body("<html>"), "unreachable"],
  ["an unauthorised one", 401, body('{"message":"no key"}'), "unreachable"],
])("reads %s", (_name, status, bytes, kind) => {
  expect(readAnswer(request, status, null, bytes).kind).toBe(kind);
});

test("takes the endpoint's wish for a pause", () => {
  expect(readAnswer(request, 429, "2", body(""))).toEqual({ kind: "limited", retryAfterMs: 2000 });
});

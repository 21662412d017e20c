import { expect, test } from "vitest";
import { type Response, readAnswer, readBatch } from "./answer.ts";

const request = { method: "eth_call", params: [] };
const respond = (status: number, bytes: Buffer, retryAfter: string | null = null): Response => ({
  status,
  retryAfter,
  location: null,
  body: bytes,
});

const body = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const large = "x".repeat(5000);

test.each<[string, number, Buffer, string]>([
  ["a result", 200, body({ jsonrpc: "2.0", id: 1, result: "0x" }), "result"],
  ["a large result", 200, body({ jsonrpc: "2.0", id: 1, result: `0x${"0".repeat(5000)}` }), "result"],
  ["a result beside a null error", 200, body({ id: 1, error: null, result: "0x01" }), "result"],
  [
    "a large error",
    200,
    body({ jsonrpc: "2.0", id: 1, error: { code: 3, message: "reverted", data: large } }),
    "error",
  ],
  ["an error with another status", 400, body({ error: { code: -32602, message: "invalid" } }), "error"],
  ["an answer to something else", 200, body({ jsonrpc: "2.0", id: 2, result: "0x" }), "fault"],
  ["an answer without id", 200, body({ jsonrpc: "2.0", result: "0x" }), "fault"],
  ["a list", 200, body([]), "unreachable"],
  ["neither", 200, body({ jsonrpc: "2.0", id: 1 }), "unreachable"],
  ["a cut answer", 200, body('{"jsonrpc":"2.0","id":1,"resu'), "unreachable"],
  ["a page", 502, body("<html>"), "unreachable"],
  ["an unauthorised one", 401, body('{"message":"no key"}'), "unreachable"],
])("reads %s", (_name, status, bytes, kind) => {
  expect(readAnswer(request, respond(status, bytes)).kind).toBe(kind);
});

test("takes the endpoint's wish for a pause", () => {
  expect(readAnswer(request, respond(429, body(""), "2"))).toEqual({ kind: "limited", retryAfterMs: 2000 });
});

test("says where a redirect leads, and does not follow it", () => {
  const moved = { ...respond(301, body("")), location: "https://new.example/" };
  expect(readAnswer(request, moved)).toEqual({
    kind: "unreachable",
    reason: expect.stringContaining("redirects to https://new.example/"),
  });
});

test("says what a 5xx with a JSON-RPC error says, and takes it for a fault of the endpoint all the same", () => {
  const said = body({ id: 1, error: { code: 3, message: "execution reverted" } });
  expect(readAnswer(request, respond(500, said))).toEqual({
    kind: "unreachable",
    reason: "HTTP 500: execution reverted",
  });
});

const batch = [
  { method: "eth_getLogs", params: [{ fromBlock: "0x1", toBlock: "0x2" }] },
  { method: "eth_blockNumber", params: [] },
];

test("reads a batch in whatever order it is answered", () => {
  const members = body([
    { id: 2, result: "0x5" },
    { id: 1, result: [] },
  ]);
  expect(readBatch(batch, respond(200, members))?.map((answer) => answer.kind)).toEqual(["result", "result"]);
});

test.each<[string, unknown, (string | undefined)[] | undefined]>([
  ["a part is missing", [{ id: 1, result: [] }], ["result", "fault"]],
  [
    "a part is of another batch",
    [
      { id: 1, result: [] },
      { id: 9, result: "0x5" },
    ],
    ["result", "fault"],
  ],
  [
    "it is refused as such",
    { id: null, error: { code: -32600, message: "batches are not allowed" } },
    undefined,
  ],
  ["it is limited", { id: null, error: { code: -32005, message: "rate limit" } }, ["limited", "limited"]],
  ["one answer comes", { id: 1, result: [] }, undefined],
])("reads a batch when %s", (_name, answered, kinds) => {
  expect(readBatch(batch, respond(200, body(answered)))?.map((answer) => answer.kind)).toEqual(kinds);
});

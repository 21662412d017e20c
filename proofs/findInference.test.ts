import { encodeAbiParameters, keccak256, stringToHex } from "viem";
import { expect, it } from "vitest";
import { ApiUnavailableError, type FetchedAnswer, findInference, inferenceHashes } from "./findInference.ts";
import type { Hex } from "./hex.ts";

const REQUEST =
  '{"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 1, "stream": false}';
const INPUT_HASH = keccak256(
  stringToHex('{"messages": [{"content": "hi", "role": "user"}], "model": "m", "temperature": 1.0}'),
);
const OUTPUT_HASH = keccak256(stringToHex("héllo"));
const TEE_ID: Hex = `0x${"ab".repeat(32)}`;
const response = (members: object) =>
  JSON.stringify({ choices: [{ message: { content: "héllo" }, finish_reason: "stop" }], ...members });
const hashes = { inputHash: INPUT_HASH, outputHash: OUTPUT_HASH, inferenceId: null };

const id = (digit: string): Hex => `0x${digit.repeat(64)}`;
const item = (digit: string, signatureValid: boolean | null) => ({
  id: id(digit),
  teeId: TEE_ID,
  inputHash: INPUT_HASH,
  outputHash: OUTPUT_HASH,
  signedAt: 1793493936,
  signatureValid,
  settlements: [{ id: "10740-0x12-3", leafIndex: 4 }],
  model: null,
  nodeAtSigning: null,
  promptTokens: null,
});
const page = (items: unknown, endCursor: string | null = null) =>
  answer({ items, pageInfo: { endCursor, hasNextPage: endCursor !== null } });
const answer = (body: unknown, status = 200): FetchedAnswer => ({
  ok: status === 200,
  status,
  json: async () => body,
});

it("computes both hashes, and the id when the response says who signed and when", () => {
  expect(inferenceHashes(REQUEST, response({}))).toEqual({ ...hashes, contradicted: [] });
  const signed = { tee_id: TEE_ID.slice(2).toUpperCase(), tee_timestamp: 1793493936 };
  const expected = keccak256(
    encodeAbiParameters(
      [{ type: "bytes32" }, { type: "bytes32" }, { type: "bytes32" }, { type: "uint256" }],
      [TEE_ID, INPUT_HASH, OUTPUT_HASH, 1793493936n],
    ),
  );
  expect(inferenceHashes(REQUEST, response(signed)).inferenceId).toBe(expected);
  expect(inferenceHashes(REQUEST, response({ ...signed, tee_timestamp: "1793493936" })).inferenceId).toBe(
    expected,
  );
  for (const tee_timestamp of [-1, 1.5, "2026-11-01T00:45:36Z", `1${"0".repeat(77)}9`, null])
    expect(inferenceHashes(REQUEST, response({ ...signed, tee_timestamp })).inferenceId).toBeNull();
});

it("tells when the response names other hashes", () => {
  const right = { tee_request_hash: INPUT_HASH.slice(2), tee_output_hash: OUTPUT_HASH.slice(2) };
  expect(inferenceHashes(REQUEST, response(right)).contradicted).toEqual([]);
  expect(inferenceHashes(REQUEST, response({ ...right, tee_request_hash: id("0") })).contradicted).toEqual([
    "inputHash",
  ]);
  expect(
    inferenceHashes(REQUEST, response({ tee_request_hash: id("0"), tee_output_hash: id("0") })).contradicted,
  ).toEqual(["inputHash", "outputHash"]);
});

it("asks for both hashes, page after page, and puts valid ones first", async () => {
  const asked: string[] = [];
  const found = await findInference("http://index.example/base/", hashes, async (url) => {
    asked.push(url);
    return asked.length === 1 ? page([item("1", false), item("2", null)], "next") : page([item("3", true)]);
  });
  const query = `inputHash=${INPUT_HASH}&outputHash=${OUTPUT_HASH}&limit=1000`;
  expect(asked).toEqual([
    `http://index.example/base/v1/inferences?${query}`,
    `http://index.example/base/v1/inferences?${query}&after=next`,
  ]);
  expect(found.map(({ id }) => id)).toEqual([id("3"), id("2"), id("1")]);
});

it("puts the very inference first, and reads no further than to it", async () => {
  const found = await findInference("http://index.example", { ...hashes, inferenceId: id("2") }, async () =>
    page([item("1", true), item("2", false)], "endless"),
  );
  expect(found.map(({ id }) => id)).toEqual([id("2"), id("1")]);
});

it("ends with an index whose pages do not", async () => {
  let pages = 0;
  await findInference("http://index.example", hashes, async () => {
    pages++;
    return page([], "endless");
  });
  expect(pages).toBe(20);
});

it.each<[string, () => Promise<FetchedAnswer>]>([
  ["is not there", () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }))],
  [
    "does not speak JSON",
    async () => ({ ...answer(null), json: () => Promise.reject(new SyntaxError("<html>")) }),
  ],
  ["is behind", async () => answer({ code: "indexing", detail: "not ready" }, 503)],
  ["is something else", async () => answer({ hello: "world" })],
  ["answers in another shape", async () => page([{ ...item("1", true), id: "x" }])],
  ["answers with other hashes", async () => page([{ ...item("1", true), inputHash: id("9") }])],
])("says so when the index %s", async (_, get) => {
  await expect(findInference("http://index.example", hashes, get)).rejects.toBeInstanceOf(
    ApiUnavailableError,
  );
});

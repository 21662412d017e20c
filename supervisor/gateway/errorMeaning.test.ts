import { expect, test } from "vitest";
import { type Answer, readAnswer } from "./answer.ts";
import { meaningOf } from "./errorMeaning.ts";
import type { RpcRequest } from "./jsonRpc.ts";
import { PROVIDER_ERRORS, type ProviderError } from "./testing/providerErrors.ts";

const hex = (n: number) => `0x${n.toString(16)}`;

const requestOf = ({ method = "eth_getLogs", asked = [0, 99_999_999] }: ProviderError): RpcRequest => ({
  method,
  params: [method === "eth_getLogs" ? { fromBlock: hex(asked[0]), toBlock: hex(asked[1]) } : {}],
});

/** What an HTTP response with this error comes to. */
const read = (row: ProviderError): Answer => {
  const { code, message, data } = row;
  const body = { jsonrpc: "2.0", id: 1, error: { code, message, ...(data === undefined ? {} : { data }) } };
  const { status = 200 } = row;
  return readAnswer(requestOf(row), {
    status,
    retryAfter: null,
    location: null,
    body: Buffer.from(JSON.stringify(body)),
  });
};

const kindOf = (answer: Answer) =>
  answer.kind === "error" ? answer.meaning.kind : answer.kind === "limited" ? "rate" : answer.kind;

test("knows the wordings of at least sixty providers, each from a public source", () => {
  expect(PROVIDER_ERRORS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(PROVIDER_ERRORS.map(({ provider }) => provider)).size).toBe(PROVIDER_ERRORS.length);
  for (const { source } of PROVIDER_ERRORS) expect(source).toMatch(/https:\/\/\S+/);
});

test.each(PROVIDER_ERRORS.map((row) => [row.provider, row] as const))("%s", (_provider, row) => {
  const answer = read(row);
  expect(kindOf(answer)).toBe(row.means);
  if (row.means === "rate" && answer.kind === "limited") expect(answer.retryAfterMs).toBe(row.retryAfterMs);
  if (answer.kind !== "error") return;
  const { meaning } = answer;
  if (meaning.kind === "blocks") expect(meaning.maxBlocks).toBe(row.maxBlocks);
  const [from, to] = row.suggested ?? [];
  if (meaning.kind === "results" || meaning.kind === "size")
    expect(meaning.suggested).toEqual(row.suggested && { from, to });
});

test.each(PROVIDER_ERRORS.filter(({ data, status = 200 }) => data === undefined && status === 200))(
  "reads data like message: $provider",
  ({ code, message, ...row }) => {
    if (row.means === "revert" || row.means === "other") return; // only the node itself says these
    if (message === "limit exceeded") return; // means nothing beside other words
    const request = requestOf({ ...row, code, message });
    const plain = meaningOf({ code, message }, request);
    for (const data of [message, { reason: message }])
      expect(meaningOf({ code, message: "request failed", data }, request)).toEqual(plain);
  },
);

test("a limit is below what was refused, and the smallest number said to be one", () => {
  const asking = (blocks: number) => ({
    method: "eth_getLogs",
    params: [{ fromBlock: "0x0", toBlock: hex(blocks - 1) }],
  });
  const limit = (message: string, blocks: number) => {
    const meaning = meaningOf({ code: -32602, message }, asking(blocks));
    return meaning.kind === "blocks" ? meaning.maxBlocks : meaning;
  };
  expect(limit("max block range exceeded: 20000 blocks, limit 5000 blocks", 20_000)).toBe(5_000);
  expect(limit("block range limit is 5000, requested 20000", 20_000)).toBe(5_000);
  expect(limit("block range 19999 exceeds maximum of 5000", 20_000)).toBe(5_000);
  expect(limit("range exceeds maximum block range 5000", 4_000)).toBeUndefined();
  expect(limit("block range too large (max 2K)", 20_000)).toBe(2_000);
  expect(limit("block range too wide: at most 10.000 blocks and 5 requests", 20_000)).toBe(10_000);
});

import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { freePort } from "../../db/freePort.ts";
import type { RpcRequest } from "./jsonRpc.ts";
import type { Reaction } from "./testing/fakeUpstream.ts";
import { call, gateway, HOLD_MS, impatientGateway, type Reply, upstream } from "./testing/gatewayHarness.ts";

/** The first `n` requests get `bad`, the others `good`. */
const firstTimes = (n: number, bad: Reaction, good: Reaction) => {
  let left = n;
  return () => (left-- > 0 ? bad : good);
};

test("passes results on under the caller's id, large ones included", async () => {
  const large = "0".repeat(20_000);
  const fake = await upstream(({ params }) => ({ result: params[0] === "large" ? large : "small" }));
  const { url } = await gateway(fake.url);
  expect(await call(url, "eth_x", ["small"], "a")).toEqual({ jsonrpc: "2.0", id: "a", result: "small" });
  expect(await call(url, "eth_x", ["large"], 99)).toEqual({ jsonrpc: "2.0", id: 99, result: large });
});

test("reads compressed answers", async () => {
  const body = gzipSync(JSON.stringify({ jsonrpc: "2.0", id: 1, result: "plain" }));
  const fake = await upstream(() => ({ status: 200, headers: { "content-encoding": "gzip" }, body }));
  const { url } = await gateway(fake.url);
  expect((await call(url, "eth_x")).result).toBe("plain");
});

test("passes reverts and unknown methods on at once", async () => {
  const revert = { code: 3, message: "execution reverted", data: "0x01" };
  const unknown = { code: -32601, message: "the method eth_y does not exist/is not available" };
  const fake = await upstream(({ method }) => ({ error: method === "eth_call" ? revert : unknown }));
  const { url } = await gateway(fake.url);
  expect((await call(url, "eth_call", [{}, "0x1"])).error).toEqual(revert);
  expect((await call(url, "eth_y")).error).toEqual(unknown);
  expect(fake.count("eth_call")).toBe(1);
});

test.each<[string, Reaction]>([
  ["dropped connections", "drop"],
  ["HTTP 429", { status: 429 }],
  ["HTTP 503", { status: 503 }],
  ["internal errors", { error: { code: -32603, message: "Internal error" } }],
  ["rate limits", { error: { code: -32005, message: "rate limit exceeded" } }],
  ["error pages", { status: 200, body: "<html>" }],
])("repeats a request after %s", async (_name, bad) => {
  const fake = await upstream(firstTimes(2, bad, { result: "0x1" }));
  const { url } = await gateway(fake.url);
  expect((await call(url, "eth_x")).result).toBe("0x1");
  expect(fake.count("eth_x")).toBe(3);
});

test("goes on with the next endpoint when one fails", async () => {
  const bad = await upstream(() => ({ status: 500 }));
  const good = await upstream(() => ({ result: "good" }));
  const { url } = await gateway(bad.url, good.url);
  expect((await call(url, "eth_x")).result).toBe("good");
});

test("prefers the first endpoint", async () => {
  const first = await upstream(() => ({ result: "first" }));
  const second = await upstream(() => ({ result: "second" }));
  const { url } = await gateway(first.url, second.url);
  for (let n = 0; n < 5; n += 1) expect((await call(url, "eth_x", [n])).result).toBe("first");
});

test("never asks an endpoint of another chain, and says which one and what to change", async () => {
  const wrong = await upstream(() => ({ result: "wrong" }), 1);
  const right = await upstream(() => ({ result: "right" }));
  const started = await gateway(`${wrong.url}/v2/secret-key`, right.url);
  expect((await call(started.url, "eth_x")).result).toBe("right");
  expect(wrong.count("eth_x")).toBe(0);
  const line = started.lines.find((text) => text.includes("chain id"));
  expect(line).toContain(`OG_RPC_URL ${wrong.url}/… has chain id 1, expected 10740`);
  expect(started.lines.join()).not.toContain("secret-key");
});

test("waits for an endpoint that cannot be reached, says so, and notices when it comes", async () => {
  const port = await freePort();
  const started = await gateway(`http://127.0.0.1:${port}`);
  const reachable = started.waitUntilReachable(AbortSignal.timeout(20_000));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(started.lines).toHaveLength(1);
  expect(started.lines[0]).toMatch(/OG_RPC_URL .* is unusable: connect ECONNREFUSED .* Retrying in \d+ s/);
  const answered = call(started.url, "eth_x");
  await upstream(() => ({ result: "here" }), 10740, port);
  await reachable;
  expect((await answered).result).toBe("here");
  expect(started.lines.at(-1)).toMatch(/OG_RPC_URL .* answers$/);
});

test("waiting ends when it is called off", async () => {
  const started = await gateway(`http://127.0.0.1:${await freePort()}`);
  await expect(started.waitUntilReachable(AbortSignal.timeout(100))).rejects.toThrow();
});

test("tells the caller to ask again before it gives up, and has the answer then", async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const fake = await upstream(async () => {
    await released;
    return { result: "at last" };
  });
  const { url } = await impatientGateway(fake.url);
  const startedAt = Date.now();
  const early = await call(url, "eth_x");
  expect(Date.now() - startedAt).toBeLessThan(HOLD_MS + 1_000);
  expect(early.error?.message).toContain("ask again");
  expect(early.error?.message).not.toContain("revert");
  release();
  expect((await call(url, "eth_x")).result).toBe("at last");
  expect(fake.count("eth_x")).toBe(1);
});

test("asks once for equal requests at the same time", async () => {
  const fake = await upstream(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { result: 1 };
  });
  const { url } = await gateway(fake.url);
  const replies = await Promise.all([1, 2, 3, 4].map((id) => call(url, "eth_x", ["same"], id)));
  expect(replies.map((reply) => reply.id)).toEqual([1, 2, 3, 4]);
  expect(fake.count("eth_x")).toBe(1);
});

// ---------------------------------------------------------------- eth_getLogs

const hex = (n: number) => `0x${n.toString(16)}`;
const filterOf = (request: RpcRequest) => {
  const { fromBlock, toBlock } = request.params[0] as { fromBlock: string; toBlock: string };
  return { from: Number(fromBlock), to: Number(toBlock) };
};
/** One log per block, refused beyond `most` blocks. */
const logsUpTo =
  (most: number, message: string, code = -32602) =>
  (request: RpcRequest): Reaction => {
    if (request.method === "eth_blockNumber") return { result: hex(1_000_000) };
    const { from, to } = filterOf(request);
    if (to - from + 1 > most) return { error: { code, message } };
    return {
      result: Array.from({ length: to - from + 1 }, (_, index) => ({ blockNumber: hex(from + index) })),
    };
  };
const numbers = (reply: Reply) =>
  (reply.result as { blockNumber: string }[]).map((log) => Number(log.blockNumber));
const getLogs = (url: string, from: number, to: number) =>
  call(url, "eth_getLogs", [{ fromBlock: hex(from), toBlock: hex(to), address: "0xa" }]);
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index);

test.each([
  ["query exceeds max block range 100", 100],
  ["block range is too wide", 60],
  ["requested too many blocks from 0 to 999, maximum is set to 100", 100],
  ["eth_getLogs is limited to a 100 blocks range", 100],
  ["query returned more than 70 results", 70],
  ["Log response size exceeded. this block range should work: [0x0, 0x10]", 70],
])("asks for logs in pieces after: %s", async (message, most) => {
  const fake = await upstream(logsUpTo(most, message));
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 0, 999))).toEqual(upTo(1000));
});

test("remembers the range, and says so once", async () => {
  const fake = await upstream(logsUpTo(100, "query exceeds max block range 100"));
  const { url, lines } = await gateway(fake.url);
  await getLogs(url, 0, 999);
  expect(fake.count("eth_getLogs")).toBe(11);
  await getLogs(url, 0, 499);
  expect(fake.count("eth_getLogs")).toBe(16);
  expect(lines.filter((line) => line.includes("at most 100 blocks"))).toHaveLength(1);
});

test("copes with an endpoint that counts the distance instead of the blocks", async () => {
  const fake = await upstream(logsUpTo(99, "query exceeds max block range 100"));
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 0, 399))).toEqual(upTo(400));
});

test("passes other errors of eth_getLogs on", async () => {
  const error = { code: -32000, message: "invalid block range params" };
  const fake = await upstream(({ method }) =>
    method === "eth_blockNumber" ? { result: hex(1_000_000) } : { error },
  );
  const { url } = await gateway(fake.url);
  expect((await getLogs(url, 0, 999)).error).toEqual(error);
});

// ---------------------------------------------------------------- pruned state

const missing = {
  code: -32000,
  message: "missing trie node 00 (path ) state 0x00 is not available, not found",
};
const pruning =
  (oldest: number, head: number, error = missing) =>
  (request: RpcRequest): Reaction => {
    if (request.method === "eth_blockNumber") return { result: hex(head) };
    return Number(request.params[1]) < oldest ? { error } : { result: "0x01" };
  };

test("answers a call to pruned state as a revert, and older ones without asking", async () => {
  const fake = await upstream(pruning(900, 1000));
  const { url } = await gateway(fake.url);
  const reply = await call(url, "eth_call", [{}, hex(500)]);
  expect(reply.error).toEqual({
    code: 3,
    message: "execution reverted: state of block 500 is not kept by the RPC",
  });
  expect((await call(url, "eth_call", [{}, hex(499)])).error?.code).toBe(3);
  expect(fake.count("eth_call")).toBe(1);
  expect((await call(url, "eth_call", [{}, hex(950)])).result).toBe("0x01");
});

test.each([
  "header not found",
  "required historical state unavailable (reexec=128)",
  "state has been pruned",
])("takes '%s' of an old block for pruned state", async (message) => {
  const fake = await upstream(pruning(900, 1000, { code: -32000, message }));
  const { url } = await gateway(fake.url);
  expect((await call(url, "eth_call", [{}, hex(5)])).error?.message).toContain("not kept by the RPC");
});

test("passes 'header not found' of a new block on", async () => {
  const fake = await upstream(pruning(2000, 1000, { code: -32000, message: "header not found" }));
  const { url } = await gateway(fake.url);
  expect((await call(url, "eth_call", [{}, hex(1001)])).error?.message).toBe("header not found");
});

test("asks the next endpoint for state that the first has pruned", async () => {
  const pruned = await upstream(pruning(900, 1000));
  const archive = await upstream(pruning(0, 1000));
  const { url } = await gateway(pruned.url, archive.url);
  expect((await call(url, "eth_call", [{}, hex(5)])).result).toBe("0x01");
  expect((await call(url, "eth_call", [{}, hex(4)])).result).toBe("0x01");
  expect(pruned.count("eth_call")).toBe(1);
});

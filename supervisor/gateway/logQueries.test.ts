import { gzipSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import type { RpcRequest } from "./jsonRpc.ts";
import { ADDRESS, hex, logAt, reactAs } from "./testing/fakeChain.ts";
import type { Reaction } from "./testing/fakeUpstream.ts";
import {
  call,
  gateway,
  gatewayWith,
  HOLD_MS,
  impatientGateway,
  type Reply,
  upstream,
} from "./testing/gatewayHarness.ts";

const getLogs = (url: string, from: number, to: number) =>
  call(url, "eth_getLogs", [{ fromBlock: hex(from), toBlock: hex(to), address: ADDRESS }]);
const numbers = ({ result }: Reply) =>
  (result as { blockNumber: string }[]).map((log) => Number(log.blockNumber));
const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A node far ahead that refuses ranges by `refusal`. */
const limited =
  (refusal: (from: number, to: number) => string | undefined, code = -32000, head = 1_000_000) =>
  (request: RpcRequest): Reaction => {
    const filter = request.params[0] as { fromBlock: string; toBlock: string };
    const message =
      request.method === "eth_getLogs"
        ? refusal(Number(filter.fromBlock), Number(filter.toBlock))
        : undefined;
    return message === undefined ? reactAs({ head }, request) : { error: { code, message } };
  };

// ---------------------------------------------------------------- whose answer is believed

test("an empty answer of an endpoint below the range is not trusted", async () => {
  let failures = 1;
  const ahead = await upstream((request) =>
    request.method === "eth_getLogs" && failures-- > 0 ? { status: 500 } : reactAs({ head: 1000 }, request),
  );
  const behind = await upstream((request) => reactAs({ head: 500 }, request));
  const { url, lines } = await gateway(ahead.url, behind.url);
  expect(numbers(await getLogs(url, 901, 1000))).toEqual(span(901, 1000));
  expect(behind.count("eth_getLogs")).toBe(0);
  expect(lines.join()).toContain(`${behind.url} is 500 blocks behind`);
});

test("one URL with a backend that lags never answers for blocks which that one does not have", async () => {
  // every other HTTP request reaches a backend three blocks behind
  const fake = await upstream((request, exchange) =>
    reactAs({ head: exchange % 2 === 0 ? 997 : 1000 }, request),
  );
  const { url } = await gateway(fake.url);
  for (let from = 980; from < 990; from += 1)
    expect(numbers(await getLogs(url, from, 1000))).toEqual(span(from, 1000));
});

test("logs near the head are asked together with the head, older ones alone", async () => {
  const fake = await upstream((request) => reactAs({ head: 10_000 }, request));
  const { url } = await gateway(fake.url);
  await getLogs(url, 0, 99);
  expect(fake.batches).toBe(0);
  await getLogs(url, 9_900, 10_000);
  expect(fake.batches).toBe(1);
});

test("where batches are refused, the head is asked before and after", async () => {
  const fake = await upstream((request) => reactAs({ head: 1000 }, request));
  fake.refusesBatches = { error: { code: -32600, message: "batch requests are not supported" } };
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 990, 1000))).toEqual(span(990, 1000));
  expect(numbers(await getLogs(url, 980, 1000))).toEqual(span(980, 1000));
  expect(fake.batches).toBe(1);
  expect(fake.requests.map(({ method }) => method).slice(-3)).toEqual([
    "eth_blockNumber",
    "eth_getLogs",
    "eth_blockNumber",
  ]);
});

test("blocks that no endpoint has yet are waited for, never answered as empty", async () => {
  const node = { head: 990 };
  const fake = await upstream((request) => reactAs(node, request));
  const { url } = await impatientGateway(fake.url);
  const early = await getLogs(url, 980, 1000);
  expect(early.error?.message).toContain("ask again");
  node.head = 1001;
  expect(numbers(await getLogs(url, 980, 1000))).toEqual(span(980, 1000));
});

test.each<[string, object]>([
  ["of other blocks", { blockNumber: hex(2000) }],
  ["of another address", { address: `0x${"9".repeat(40)}` }],
  ["of a block that was replaced", { removed: true }],
  ["without a block", { blockNumber: null }],
])("logs %s are not trusted", async (_what, wrong) => {
  const liar = await upstream((request) =>
    request.method === "eth_getLogs"
      ? { result: [{ ...logAt(5), ...wrong }] }
      : reactAs({ head: 1_000_000 }, request),
  );
  const honest = await upstream((request) => reactAs({ head: 1_000_000 }, request));
  const { url, lines } = await gateway(liar.url, honest.url);
  expect(numbers(await getLogs(url, 5, 6))).toEqual([5, 6]);
  expect(lines.join()).toContain(`${liar.url} has transient faults (eth_getLogs returned logs`);
});

test("logs with other topics are not trusted", async () => {
  const fake = await upstream((request) => reactAs({ head: 1_000_000 }, request));
  const { url } = await impatientGateway(fake.url);
  const filter = { fromBlock: "0x1", toBlock: "0x2", address: ADDRESS, topics: [`0x${"2".repeat(64)}`] };
  expect((await call(url, "eth_getLogs", [filter])).error?.message).toContain("ask again");
});

// ---------------------------------------------------------------- limits

test.each<[string, (from: number, to: number) => string | undefined, number]>([
  [
    "a limit that is not the first number",
    (from, to) =>
      to - from + 1 > 5_000
        ? `block range is larger than max block range, block range = ${to - from + 1}, max block range = 5000`
        : undefined,
    5,
  ],
  [
    "a limit that is the first number",
    (from, to) =>
      to - from + 1 > 5_000 ? `max block range is 5000, block range = ${to - from + 1}` : undefined,
    5,
  ],
  [
    "a limit that counts the distance",
    (from, to) => (to - from > 4_998 ? "query exceeds max block range 5000" : undefined),
    1 + 4 + 8,
  ],
  [
    "a limit without a number",
    (from, to) => (to - from + 1 > 5_000 ? "block range too large" : undefined),
    1 + 2 + 4,
  ],
])("asks a handful of times after %s", async (_what, refusal, atMost) => {
  const fake = await upstream(limited(refusal));
  const { url, lines } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 0, 19_999))).toEqual(span(0, 19_999));
  expect(fake.count("eth_getLogs")).toBeLessThanOrEqual(atMost);
  expect(lines.length).toBeLessThanOrEqual(3);
});

test("a narrower range suggested for its results is for that question only", async () => {
  const dense = limited((from, to) =>
    from <= 17 && to > 17 && to - from > 8
      ? "query exceeds max results 20000, retry with the range 9-17"
      : undefined,
  );
  const fake = await upstream(dense);
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 9, 10_008))).toEqual(span(9, 10_008));
  expect(fake.count("eth_getLogs")).toBe(3);
  expect(numbers(await getLogs(url, 20_000, 29_999))).toEqual(span(20_000, 29_999));
  expect(fake.count("eth_getLogs")).toBe(4);
});

test("suggestions that lead nowhere are not followed for long", async () => {
  const fake = await upstream(
    limited((from, to) =>
      to > from + 100 ? `query exceeds max results 1, retry with the range ${from}-${from}` : undefined,
    ),
  );
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 0, 9_999))).toEqual(span(0, 9_999));
  expect(fake.count("eth_getLogs")).toBeLessThan(300);
});

test("a limit of results or of size is never remembered", async () => {
  for (const message of ["query returned more than 10000 results", "Log response size exceeded."]) {
    const fake = await upstream(limited((from, to) => (from < 100 && to - from >= 50 ? message : undefined)));
    const { url, lines } = await gateway(fake.url);
    await getLogs(url, 0, 199);
    const before = fake.count("eth_getLogs");
    await getLogs(url, 1_000, 20_000);
    expect(fake.count("eth_getLogs")).toBe(before + 1);
    expect(lines.join()).not.toContain("at a time");
  }
});

test("a learnt limit is tried to be widened", async () => {
  let limit = 100;
  const fake = await upstream(
    limited((from, to) => (to - from + 1 > limit ? `query exceeds max block range ${limit}` : undefined)),
  );
  const { url } = await gateway(fake.url);
  await getLogs(url, 0, 999);
  limit = 1_000_000;
  await getLogs(url, 0, 19_999);
  const before = fake.count("eth_getLogs");
  await getLogs(url, 20_000, 29_999);
  expect(fake.count("eth_getLogs") - before).toBeLessThan(100);
});

test("a question that endpoints fail at while they answer others is halved", async () => {
  const heavy = (request: RpcRequest): Reaction => {
    const { fromBlock, toBlock } = (request.params[0] ?? {}) as { fromBlock: string; toBlock: string };
    return request.method === "eth_getLogs" && Number(toBlock) - Number(fromBlock) > 5_000
      ? { status: 503, body: JSON.stringify({ jsonrpc: "2.0", id: 1, error: NO_BACKEND }) }
      : reactAs({ head: 1_000_000 }, request);
  };
  const fake = await upstream(heavy);
  const { url } = await gateway(fake.url);
  expect(numbers(await getLogs(url, 0, 9_999))).toEqual(span(0, 9_999));
  expect(fake.count("eth_getLogs")).toBeLessThanOrEqual(6);
});

const NO_BACKEND = { code: -32011, message: "no backend is currently healthy to serve traffic" };

test.each([NO_BACKEND, { code: -32000, message: "x" }, { code: -32602, message: "invalid argument" }])(
  "HTTP 503 with %o is held and answered by the next endpoint",
  async (error) => {
    const bad = await upstream(() => ({
      status: 503,
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, error }),
    }));
    const good = await upstream((request) => reactAs({ head: 1000 }, request));
    const { url } = await gateway(bad.url, good.url);
    expect((await call(url, "eth_getBlockByNumber", ["0x5", false])).result).toMatchObject({ number: "0x5" });
    const alone = await impatientGateway(bad.url);
    expect((await call(alone.url, "eth_x")).error?.message).toContain("ask again");
    await vi.waitFor(() => expect(alone.lines.join()).toContain(`HTTP 503: ${error.message}`), 10_000);
  },
);

// ---------------------------------------------------------------- sizes and times

test("an answer that is too large makes the range narrower, and does not fill the memory", async () => {
  const fake = await upstream((request) => reactAs({ head: 1_000_000 }, request));
  const { url } = await gatewayWith({ urls: [fake.url], maxAnswerBytes: 100_000 });
  expect(numbers(await getLogs(url, 0, 199))).toEqual(span(0, 199));
  // 300 bytes a log
  const large = await getLogs(url, 0, 999);
  expect(large.error?.message).toContain("query exceeds max results");
});

test("a small answer that unpacks to a huge one is not unpacked", async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
  const fake = await upstream(({ method }) =>
    method === "eth_x"
      ? { status: 200, headers: { "content-encoding": "gzip" }, body: bomb }
      : { result: "0x1" },
  );
  const { url, lines } = await gatewayWith({ urls: [fake.url], maxAnswerBytes: 1_000_000, holdMs: HOLD_MS });
  expect((await call(url, "eth_x")).error?.message).toContain("ask again");
  await vi.waitFor(() => expect(lines.join()).toContain("larger than 1000000 bytes"), 10_000);
});

test("an answer that drips is given up, and the next endpoint asked", async () => {
  const slow = await upstream(({ method }) => (method === "eth_x" ? "drip" : { result: "0x1" }));
  const good = await upstream(() => ({ result: "good" }));
  const { url } = await gatewayWith({ urls: [slow.url, good.url], requestTimeoutMs: 300 });
  expect((await call(url, "eth_x")).result).toBe("good");
});

test.each(["seconds", "date"])("an endpoint is asked again when it wishes, given as %s", async (form) => {
  let refusals = 1;
  const limitedFor = 2_000;
  const fake = await upstream(() => {
    const until = new Date(Date.now() + limitedFor + 1_000).toUTCString();
    const retryAfter = form === "seconds" ? String(limitedFor / 1_000) : until;
    return refusals-- > 0 ? { status: 429, headers: { "retry-after": retryAfter } } : { result: "0x1" };
  });
  // the first call is held for less than the endpoint asks to wait, the second long enough
  const { url, lines } = await gatewayWith({ urls: [fake.url], holdMs: 1_500 });
  expect((await call(url, "eth_x")).error?.message).toContain("ask again");
  expect(fake.count("eth_x")).toBe(1);
  expect(lines.join()).toMatch(/limits requests, asks to wait [23] s/);
  await call(url, "eth_x");
  expect(fake.count("eth_x")).toBe(2);
});

test("while one endpoint wishes not to be asked, the others are", async () => {
  const busy = await upstream(() => ({ status: 429, headers: { "retry-after": "30" } }));
  const free = await upstream(() => ({ result: "free" }));
  const { url } = await gateway(busy.url, free.url);
  for (let n = 0; n < 3; n += 1) expect((await call(url, "eth_x", [n])).result).toBe("free");
  expect(busy.count("eth_x")).toBe(1);
});

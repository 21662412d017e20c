import { afterEach, expect, test, vi } from "vitest";
import { ChainHeads, CONFIRM_WITHIN_MS } from "./chainHeads.ts";
import { type FakeNode, hashOf, hex, reactAs } from "./testing/fakeChain.ts";
import { call, gateway, upstream } from "./testing/gatewayHarness.ts";

const latest = async (url: string): Promise<number> => {
  const { result } = await call(url, "eth_getBlockByNumber", ["latest", true]);
  return Number((result as { number: string }).number);
};

/** Lets the gateway's clock, and nothing else, be later by `ms`. */
const later = (ms: number) => {
  const at = Date.now() + ms;
  vi.useFakeTimers({ now: at, toFake: ["Date"] });
};

afterEach(() => {
  vi.useRealTimers();
});

const nodeAt = async (head: number, rest: Partial<FakeNode> = {}) => {
  const node: FakeNode = { head, ...rest };
  const fake = await upstream((request) => reactAs(node, request));
  return { node, fake, url: fake.url };
};

test("never goes back while one of the backends behind a URL lags", async () => {
  const node = { head: 1000 };
  // one of seven is three blocks behind
  const fake = await upstream((request, exchange) =>
    reactAs({ head: exchange % 7 === 3 ? node.head - 3 : node.head }, request),
  );
  const { url } = await gateway(fake.url);
  let before = 0;
  for (let n = 0; n < 50; n += 1) {
    const now = await latest(url);
    expect(now).toBeGreaterThanOrEqual(before);
    before = now;
    node.head += n % 2;
  }
  expect(before).toBe(1024);
});

test("never goes back when another endpoint has to answer, however long the first is gone", async () => {
  const ahead = await nodeAt(1000);
  const behind = await nodeAt(850);
  const { url, lines } = await gateway(ahead.url, behind.url);
  // as an indexer sees the blocks while it follows the chain
  for (let n = 840; n <= 1000; n += 1) await call(url, "eth_getBlockByNumber", [hex(n), true]);
  expect(await latest(url)).toBe(1000);
  ahead.fake.react = () => "drop";
  for (let n = 0; n < 5; n += 1) expect(await latest(url)).toBe(1000);
  later(3 * CONFIRM_WITHIN_MS);
  for (let n = 0; n < 5; n += 1) expect(await latest(url)).toBe(1000);
  const lag = lines.filter((line) => line.includes("blocks behind"));
  expect(lag).toHaveLength(1);
  expect(lag[0]).toContain(`OG_RPC_URL ${behind.url} is 150 blocks behind (at 850, the chain at 1000)`);
  behind.node.head = 1001;
  expect(await latest(url)).toBe(1001);
});

test("passes a real reorg on", async () => {
  const first = await nodeAt(1000);
  const { url } = await gateway(first.url);
  expect(await latest(url)).toBe(1000);
  first.fake.react = (request) => reactAs({ head: 1000, fork: 1, forkedAt: 998 }, request);
  const { result } = await call(url, "eth_getBlockByNumber", ["latest", true]);
  expect(result).toMatchObject({ hash: hashOf(1000, 1) });
});

test("goes back when the chain did, which is when no endpoint shows the higher block any more", async () => {
  const only = await nodeAt(1000);
  const { url, lines } = await gateway(only.url);
  for (let n = 990; n <= 1000; n += 1) await call(url, "eth_getBlockByNumber", [hex(n), true]);
  expect(await latest(url)).toBe(1000);
  only.fake.react = (request) => reactAs({ head: 995, fork: 1, forkedAt: 993 }, request);
  expect(await latest(url)).toBe(1000);
  later(CONFIRM_WITHIN_MS + 1_000);
  expect(await latest(url)).toBe(995);
  expect(lines.join()).toContain(`going back to block 995 of OG_RPC_URL ${only.url}`);
});

test("a head that no other endpoint confirms in time counts for nothing, and the endpoint is named", async () => {
  const liar = await nodeAt(1_000_000_000);
  const honest = await nodeAt(500);
  const { url, lines } = await gateway(liar.url, honest.url);
  await latest(url);
  await vi.waitFor(() => expect(honest.fake.count("eth_getBlockByNumber")).toBeGreaterThan(0));
  later(CONFIRM_WITHIN_MS + 1_000);
  honest.node.head = 515;
  await latest(url);
  await vi.waitFor(() => expect(honest.fake.count("eth_getBlockByNumber")).toBeGreaterThan(1));
  expect(await latest(url)).toBe(515);
  honest.node.head = 516;
  expect(await latest(url)).toBe(516);
  expect(Number((await call(url, "eth_blockNumber")).result)).toBe(516);
  expect(lines.filter((line) => line.includes("no other endpoint has reached"))).toHaveLength(1);
  expect(lines.join()).toContain(`OG_RPC_URL ${liar.url} claims block 1000000000`);
});

test("an endpoint whose head runs away from the others' is not trusted, however it moves", async () => {
  const honest = await nodeAt(500);
  // a thousand blocks ahead, none of which it has
  const liar = await upstream((request) =>
    reactAs({ head: request.params[0] === "latest" ? honest.node.head + 1000 : honest.node.head }, request),
  );
  const { url } = await gateway(liar.url, honest.url);
  for (let n = 0; n < 10; n += 1) {
    await latest(url);
    await vi.waitFor(() => expect(honest.fake.requests.length).toBeGreaterThan(n));
    honest.node.head += 3;
    later(11_000);
  }
  await vi.waitFor(async () => expect(await latest(url)).toBe(honest.node.head));
});

test("an endpoint that lags says nothing against one whose head descends from its own", async () => {
  const ahead = await nodeAt(1000);
  const behind = await nodeAt(850);
  const { url, lines } = await gateway(ahead.url, behind.url);
  for (let n = 0; n < 10; n += 1) {
    expect(await latest(url)).toBe(ahead.node.head);
    await vi.waitFor(() => expect(behind.fake.requests.length).toBeGreaterThan(n));
    ahead.node.head += 3;
    behind.node.head += 3;
    later(11_000);
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`${behind.url} is 1\\d\\d blocks behind`));
});

test.each<[string, number, Partial<FakeNode>]>([
  ["stands still 9,000 blocks below", 0, {}],
  ["catches up from 9,000 blocks below", 50, {}],
  ["stands still on a fork of its own", 0, { fork: 1, forkedAt: 900 }],
])("an endpoint that %s turns nothing back", async (_what, step, rest) => {
  const ahead = await nodeAt(10_000);
  const behind = await nodeAt(1_000, rest);
  const { url, lines } = await gateway(ahead.url, behind.url);
  for (let n = 0; n < 8; n += 1) {
    expect(await latest(url)).toBe(ahead.node.head);
    expect(Number((await call(url, "eth_blockNumber")).result)).toBe(ahead.node.head);
    await vi.waitFor(() => expect(behind.fake.requests.length).toBeGreaterThan(n));
    ahead.node.head += 5;
    behind.node.head += step;
    later(11_000);
  }
  expect(lines.join()).not.toMatch(/going back|not trusted/);
});

test("does not go back to an endpoint far below when the one that was ahead is gone", async () => {
  const ahead = await nodeAt(10_000);
  const behind = await nodeAt(5_000);
  const { url } = await gateway(ahead.url, behind.url);
  for (let n = 0; n < 12; n += 1) {
    if (n === 6) ahead.fake.react = () => "drop";
    expect(await latest(url)).toBe(10_000 + 5 * Math.min(n, 5));
    await vi.waitFor(() => expect(behind.fake.requests.length).toBeGreaterThan(n));
    ahead.node.head += 5;
    behind.node.head += 5;
    later(11_000);
  }
});

test("logs of an endpoint whose head is not trusted are not trusted", async () => {
  // it has every block, and no logs
  const liar = await upstream((request) =>
    request.method === "eth_getLogs" ? { result: [] } : reactAs({ head: 1_000_000_000 }, request),
  );
  const honest = await nodeAt(5_000);
  const { url } = await gateway(liar.url, honest.url);
  for (let n = 0; n < 6; n += 1) {
    await latest(url);
    await vi.waitFor(() => expect(honest.fake.requests.length).toBeGreaterThan(n));
    honest.node.head += 5;
    later(11_000);
  }
  const { result } = await call(url, "eth_getLogs", [{ fromBlock: hex(4_990), toBlock: hex(5_000) }]);
  expect(result).toHaveLength(22);
});

test("the endpoint that is farther is asked for the newest block, whatever the order of preference", async () => {
  const behind = await nodeAt(850);
  const ahead = await nodeAt(1000);
  const { url } = await gateway(behind.url, ahead.url);
  await latest(url);
  await vi.waitFor(async () => expect(await latest(url)).toBe(1000));
});

test("a head that others confirm in time counts", async () => {
  const fast = await nodeAt(1000);
  const slow = await nodeAt(999);
  const { url, lines } = await gateway(fast.url, slow.url);
  for (let n = 0; n < 20; n += 1) {
    expect(await latest(url)).toBe(1000 + n);
    fast.node.head += 1;
    slow.node.head += 1;
    later(5_000);
  }
  expect(lines).toEqual([]);
});

test("a block that an endpoint does not have yet is asked of another, and never said not to exist", async () => {
  const behind = await nodeAt(998);
  const ahead = await nodeAt(1000);
  const { url } = await gateway(behind.url, ahead.url);
  await latest(url);
  await vi.waitFor(() => expect(ahead.fake.count("eth_getBlockByNumber")).toBeGreaterThan(0));
  for (const [method, block] of [
    ["eth_getBlockByNumber", hex(1000)],
    ["eth_getBlockByHash", hashOf(1000)],
  ] as const)
    expect((await call(url, method, [block, true])).result).toMatchObject({ number: hex(1000) });
  // a block that nobody has is not there
  expect((await call(url, "eth_getBlockByNumber", [hex(2000), true])).result).toBeNull();
});

test("another block than the one asked for is not trusted", async () => {
  const liar = await upstream((request) =>
    request.method === "eth_getBlockByNumber"
      ? reactAs({ head: 1000 }, { ...request, params: ["0x5", false] })
      : reactAs({ head: 1000 }, request),
  );
  const honest = await nodeAt(1000);
  const { url } = await gateway(liar.url, honest.url);
  expect((await call(url, "eth_getBlockByNumber", ["0x6", false])).result).toMatchObject({ number: "0x6" });
});

test("an endpoint that begins to answer for another chain is not used any more", async () => {
  const first = await nodeAt(1000);
  const second = await nodeAt(1000);
  const { url, lines } = await gateway(first.url, second.url);
  await latest(url);
  first.fake.chainId = 1;
  later(120_000);
  await latest(url);
  await vi.waitFor(() => expect(lines.join()).toContain("has chain id 1"));
  const before = first.fake.requests.length;
  await latest(url);
  expect(first.fake.requests).toHaveLength(before);
});

test("where an endpoint stands is the highest it has shown lately", () => {
  let now = 0;
  const heads = new ChainHeads<string>(() => now);
  heads.observe("a", 100);
  heads.observe("a", 97);
  expect(heads.head("a")).toBe(100);
  now += CONFIRM_WITHIN_MS + 1;
  heads.observe("a", 97);
  expect(heads.head("a")).toBe(97);
});

import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { listenForNewHeads } from "./newHeads.ts";
import { hex, reactAs } from "./testing/fakeChain.ts";
import { call, gatewayWith, upstream } from "./testing/gatewayHarness.ts";

/** A WebSocket endpoint that confirms subscriptions and tells of what it is made to. */
async function startSocket(chainId = 10740) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const sockets = new Set<WebSocket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("message", (data) => {
      const { id, method } = JSON.parse(String(data)) as { id: number; method: string };
      const result = method === "eth_chainId" ? hex(chainId) : "0xsub";
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result }));
    });
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
  });
  const params = (number: number) => ({ subscription: "0xsub", result: { number: hex(number) } });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v3/secret-key-123`,
    connections: () => connections,
    say: (text: string) => {
      for (const socket of sockets) socket.send(text);
    },
    tell: (number: number) => {
      const text = JSON.stringify({ jsonrpc: "2.0", method: "eth_subscription", params: params(number) });
      for (const socket of sockets) socket.send(text);
    },
  };
}

const latest = async (url: string): Promise<number> =>
  Number(((await call(url, "eth_getBlockByNumber", ["latest", true])).result as { number: string }).number);

const listen = async (socket: Awaited<ReturnType<typeof startSocket>>) => {
  const warnings: string[] = [];
  let now = 0;
  const heads = listenForNewHeads(
    { url: socket.url, chainId: 10740, urlVariable: "BASE_WS_URL", pollingVariable: "BASE_RPC_URL" },
    { warn: (_condition, message) => warnings.push(message), recovered: () => {} },
    () => now,
  );
  onTestFinished(heads.stop);
  await vi.waitFor(() => expect(socket.connections()).toBe(1));
  return {
    ...heads,
    warnings,
    wait: (ms: number) => {
      now += ms;
    },
  };
};

test("a block that the socket announced is fetched over HTTP, and then served again without another request", async () => {
  const socket = await startSocket();
  const node = { head: 300 };
  const fake = await upstream((request) => reactAs(node, request));
  const { url } = await gatewayWith({ urls: [fake.url], wsUrl: socket.url, wsUrlVariable: "OG_WS_URL" });
  expect(await latest(url)).toBe(300);
  await vi.waitFor(() => expect(socket.connections()).toBe(1));
  await vi.waitFor(async () => {
    socket.tell(300);
    const before = fake.count("eth_getBlockByNumber");
    expect(await latest(url)).toBe(300);
    expect(fake.count("eth_getBlockByNumber")).toBe(before);
  });
  node.head = 301;
  socket.tell(301);
  await vi.waitFor(async () => expect(await latest(url)).toBe(301));
});

test("a silent socket stops nothing: the chain is polled", async () => {
  const socket = await startSocket();
  const node = { head: 300 };
  const fake = await upstream((request) => reactAs(node, request));
  const { url } = await gatewayWith({ urls: [fake.url], wsUrl: socket.url, wsUrlVariable: "OG_WS_URL" });
  await vi.waitFor(() => expect(socket.connections()).toBe(1));
  for (; node.head < 303; node.head += 1)
    await vi.waitFor(async () => expect(await latest(url)).toBe(node.head), 5_000);
});

test("a silent socket does not make for more requests than polling without one", async () => {
  const socket = await startSocket();
  const fake = await upstream((request) => reactAs({ head: 300 }, request));
  const { url } = await gatewayWith({ urls: [fake.url], wsUrl: socket.url, wsUrlVariable: "OG_WS_URL" });
  vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  for (let quarter = 0; quarter < 40; quarter += 1) {
    await latest(url);
    vi.setSystemTime(Date.now() + 250);
  }
  expect(fake.count("eth_getBlockByNumber")).toBe(10);
});

test("a socket that announced nothing while the chain moved is replaced, with the reason", async () => {
  const socket = await startSocket();
  const heads = await listen(socket);
  await vi.waitFor(() => {
    socket.tell(310);
    expect(heads.announced()).toBe(310);
  });
  heads.compare(310);
  heads.compare(311);
  expect(heads.announced()).toBe("nothing");
  heads.wait(20_000);
  heads.compare(320);
  expect(heads.warnings).toHaveLength(1);
  expect(heads.warnings[0]).toMatch(
    /^BASE_WS_URL ws:\/\/127\.0\.0\.1:\d+\/… has announced no block after 310, but the chain is at 320; polling BASE_RPC_URL, reconnecting in 1 s$/,
  );
  await vi.waitFor(() => expect(socket.connections()).toBe(2), 5_000);
});

test("a socket is silent where the chain is, too", async () => {
  const heads = await listen(await startSocket());
  heads.compare(300);
  heads.wait(60_000);
  heads.compare(300);
  expect(heads.warnings).toEqual([]);
});

test.each<[string, string]>([
  ["something else than JSON-RPC", "<html>"],
  ["a refusal", JSON.stringify({ id: 2, error: { code: -32601, message: "no subscriptions" } })],
])("a socket that sends %s is given up, and its key is not shown", async (_what, text) => {
  const socket = await startSocket();
  const heads = await listen(socket);
  await vi.waitFor(() => {
    socket.say(text);
    expect(heads.warnings).toHaveLength(1);
  });
  expect(heads.warnings.join()).not.toContain("secret-key");
});

test("a socket of another chain is not used", async () => {
  const heads = await listen(await startSocket(1));
  await vi.waitFor(() => expect(heads.warnings.join()).toContain("has chain id 1, expected 10740"));
});

import http from "node:http";
import { expect, test, vi } from "vitest";
import { gateway, gatewayWith, upstream } from "./testing/gatewayHarness.ts";

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Without the headers that `fetch` forbids. */
const send = (url: string, { method = "POST", headers = {}, body = BODY }: Sent): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers: { ...JSON_TYPE, ...headers } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.once("error", reject);
    request.end(body);
  });

const JSON_TYPE = { "content-type": "application/json" };
const BODY = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_x", params: [] });

test.each<[string, Sent, number]>([
  ["a program's request", {}, 200],
  ["a charset", { headers: { "content-type": "application/json; charset=utf-8" } }, 200],
  ["another host, as after DNS rebinding", { headers: { host: "evil.example" } }, 403],
  ["the right host with another port", { headers: { host: "127.0.0.1:1" } }, 403],
  ["a web page's origin", { headers: { origin: "https://evil.example" } }, 403],
  ["an opaque origin", { headers: { origin: "null" } }, 403],
  ["a form's content type", { headers: { "content-type": "text/plain" } }, 415],
  ["another method", { method: "GET", body: "" }, 405],
  ["a request that is too large", { body: JSON.stringify({ pad: "x".repeat(300_000) }) }, 413],
  ["no JSON", { body: "{" }, 200],
])("answers %s", async (_what, sent, status) => {
  const fake = await upstream(() => ({ result: "0x1" }));
  const { url } = await gateway(fake.url);
  expect(await send(url, sent)).toBe(status);
  if (status !== 200) expect(fake.requests).toEqual([]);
});

test("a chunked request that grows too large is cut off", async () => {
  const fake = await upstream(() => ({ result: "0x1" }));
  const { url } = await gateway(fake.url);
  const outcome = await new Promise<number | string>((resolve) => {
    const request = http.request(url, { method: "POST", headers: JSON_TYPE }, (response) =>
      resolve(response.statusCode ?? 0),
    );
    request.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
    for (let n = 0; n < 40; n += 1) request.write(" ".repeat(10_000));
    request.end();
  });
  expect([413, "ECONNRESET", "EPIPE"]).toContain(outcome);
  expect(fake.requests).toEqual([]);
});

test("more requests at once than it takes are refused, not queued without end", async () => {
  const fake = await upstream(() => "hang");
  const { url } = await gatewayWith({ urls: [fake.url], holdMs: 60_000 });
  let refused = 0;
  for (let n = 0; n < 300; n += 1)
    send(url, { body: JSON.stringify({ id: 1, method: "eth_x", params: [n] }) }).then(
      (status) => {
        if (status === 503) refused += 1;
      },
      () => {}, // cut when the gateway stops
    );
  await vi.waitFor(() => expect(refused).toBe(300 - 256), 20_000);
}, 30_000);

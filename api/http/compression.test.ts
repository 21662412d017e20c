import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { compression } from "./compression.ts";

const TEXT = JSON.stringify(Array.from({ length: 300 }, (_, index) => ({ index, name: `node ${index}` })));
const EVENTS = "data: {}\n\n".repeat(500);

const app = new Hono();
app.use(compression());
const sized = (text: string, type: string, status = 200) =>
  new Response(text, {
    status,
    headers: { "Content-Type": type, "Content-Length": String(text.length), ETag: 'W/"1"' },
  });
app.get("/json", () => sized(TEXT, "application/json"));
app.get("/problem", () => sized(TEXT, "application/problem+json", 400));
app.get("/small", () => sized("{}", "application/json"));
app.get("/events", () => new Response(EVENTS, { headers: { "Content-Type": "text/event-stream" } }));
app.get("/lines", () => {
  const encoder = new TextEncoder();
  let lines = 0;
  return new Response(
    new ReadableStream({
      pull(controller) {
        controller.enqueue(encoder.encode(`{"line":${lines}}\n`));
        if (++lines === 1_000) controller.close();
      },
    }),
    { headers: { "Content-Type": "application/x-ndjson" } },
  );
});

const ask = (path: string, accept?: string) =>
  app.request(path, accept === undefined ? {} : { headers: { "Accept-Encoding": accept } });
const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

test.each([
  ["gzip, deflate, br, zstd", "br"],
  ["br;q=0.5, gzip;q=0.5", "br"],
  ["gzip, br;q=0.5", "gzip"],
  ["gzip, br;q=0", "gzip"],
  ["*", "gzip"],
  ["deflate", "deflate"],
  ["identity", null],
  [undefined, null],
])("Accept-Encoding %j gets %s", async (accept, encoding) => {
  const response = await ask("/json", accept);
  expect(response.headers.get("Content-Encoding")).toBe(encoding);
  expect(response.headers.get("Vary")).toBe("Accept-Encoding");
  await response.body?.cancel();
});

describe.each([
  ["br", brotliDecompressSync],
  ["gzip", gunzipSync],
])("%s", (encoding, decode) => {
  test("is smaller, has no length, keeps the entity tag, and decodes to the same text", async () => {
    const response = await ask("/json", encoding);
    expect([response.headers.get("Content-Length"), response.headers.get("ETag")]).toEqual([null, 'W/"1"']);
    const body = await bytes(response);
    expect(body.length).toBeLessThan(TEXT.length / 2);
    expect(decode(body).toString()).toBe(TEXT);
  });

  test("covers NDJSON and problems, but not events or small responses", async () => {
    const lines = decode(await bytes(await ask("/lines", encoding))).toString();
    expect(lines.split("\n")).toHaveLength(1_001);
    expect((await ask("/problem", encoding)).headers.get("Content-Encoding")).toBe(encoding);
    for (const path of ["/events", "/small"])
      expect((await ask(path, encoding)).headers.get("Content-Encoding")).toBeNull();
  });

  test("stops when its reader does", async () => {
    const { body } = await ask("/lines", encoding);
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
  });
});

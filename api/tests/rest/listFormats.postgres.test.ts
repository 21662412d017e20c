import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { hash } from "../../testing/worlds/chainTables.ts";
import { T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";
import { PCR } from "../../testing/worlds/registryHistory.ts";

const world = useEmptyTables(createTestDatabase);
const { settle } = world;

describe("CSV and NDJSON", () => {
  test("CSV escapes formulas, quotes line breaks, and names nested columns", async () => {
    await world.history.approvePcr(T0, PCR, "=1+1");
    await world.history.approvePcr(T0 + 1, hash("two"), 'a"b,\nc');
    await world.history.approvePcr(T0 + 2, hash("three"), "@cmd", 3);
    const response = await world.api.get("/v1/pcrs?format=csv");
    expect(response.headers.get("content-type")).toMatch(/^text\/csv/);
    const text = await response.text();
    expect(text.split("\n")[0]).toBe(
      "hash,registry,chainId,teeType.id,teeType.name,version,versionHex,versionBytes,versionSha256,approved,firstApprovedAt,approvedAt,revokedAt,approvals,revocations",
    );
    expect(text).toContain(",'=1+1,");
    expect(text).toContain(",'@cmd,");
    expect(text).toContain(',"a""b,\nc",');
  });

  test("NDJSON and all=true have every row once, at one block", async () => {
    for (let block = 1; block <= 25; block++) await settle(block);
    await world.tables.setHead("og", 25, T0 + 25);
    const page = await world.api.get("/v1/settlements?format=ndjson&limit=10");
    expect((await page.text()).trim().split("\n")).toHaveLength(10);
    expect(page.headers.get("link")).toMatch(/^<\/v1\/settlements\?.*after=.*>; rel="next"$/);
    const walk = await world.api.get("/v1/settlements?all=true&limit=4");
    const reader = (walk.body as ReadableStream<Uint8Array>).getReader();
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      if (chunks.length === 2) {
        await settle(26);
        await world.tables.setHead("og", 26, T0 + 26);
      }
    }
    expect(chunks.length).toBe(7);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    expect(body.pageInfo).toEqual({ endCursor: null, hasNextPage: false });
    expect(body.items.map((item: { blockNumber: number }) => item.blockNumber)).toEqual(
      Array.from({ length: 25 }, (_, index) => 25 - index),
    );
    const csv = await (await world.api.get("/v1/settlements?all=true&limit=4&format=csv")).text();
    expect(csv.trim().split("\n")).toHaveLength(27);
    const empty = await world.api.json("/v1/settlements?all=true&kind=batch");
    expect(empty).toEqual({ items: [], pageInfo: { endCursor: null, hasNextPage: false } });
  });

  test("a walk that fails closes the connection", async () => {
    for (let block = 1; block <= 9; block++) await settle(block);
    await world.tables.setHead("og", 9, T0 + 9);
    const walk = await world.api.get("/v1/settlements?all=true&limit=4");
    const reader = (walk.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await world.tables.setHead("og", 8, T0 + 8);
    await expect(reader.read()).rejects.toMatchObject({ code: "cursor-expired" });

    await world.tables.setHead("og", 9, T0 + 9);
    const server = createServer(getRequestListener((request) => world.api.handler(request)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const whole = await fetch(`http://127.0.0.1:${port}/v1/settlements?all=true&limit=4&format=ndjson`);
      expect((await whole.text()).trim().split("\n")).toHaveLength(9);
      expect(whole.headers.get("date")).toBe(new Date(world.api.now * 1_000).toUTCString());
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

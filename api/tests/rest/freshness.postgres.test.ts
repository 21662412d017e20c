import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { hash } from "../../testing/worlds/chainTables.ts";
import { HEAD, T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";

const world = useEmptyTables(createTestDatabase);
const { problem, settle } = world;

describe("freshness", () => {
  test("is in headers, entity tag and 304", async () => {
    await settle(1);
    const response = await world.api.get("/v1/settlements");
    expect(response.headers.get("OG-Block")).toBe("10000");
    expect(response.headers.get("OG-Block-Time")).toBe(String(HEAD));
    expect(response.headers.get("OG-Lag-Seconds")).toBe("7");
    expect(response.headers.get("Base-Block")).toBeNull();
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("OG-Lag-Seconds");
    const tag = response.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^W\/"/);
    const again = await world.api.get("/v1/settlements", { "If-None-Match": `"x", ${tag}` });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect(again.headers.get("ETag")).toBe(tag);
    expect(again.headers.get("OG-Block")).toBe("10000");
    expect((await world.api.get("/v1/settlements?maxLag=60", { "If-None-Match": tag })).status).toBe(304);
    expect((await world.api.get("/v1/settlements?limit=2", { "If-None-Match": tag })).status).toBe(200);
    await world.tables.client.query("update og.block set hash = $1 where number = 1", [hash("forked")]);
    expect((await world.api.get("/v1/settlements", { "If-None-Match": tag })).status).toBe(200);
    const both = await world.api.get("/v1/payments");
    expect(both.headers.get("Base-Block")).toBe("20000");
    expect(both.headers.get("OG-Block")).toBe("10000");
  });

  test("maxLag is checked before If-None-Match", async () => {
    const tag = (await world.api.get("/v1/settlements")).headers.get("ETag") ?? "";
    const response = await world.api.get("/v1/settlements?maxLag=6", { "If-None-Match": tag });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "stale", lagSeconds: 7, maxLag: 6 });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("Retry-After")).not.toBeNull();
    expect((await world.api.get("/v1/settlements?maxLag=7")).status).toBe(200);
    await world.tables.setHead("base", 20_000, HEAD - 50);
    expect((await world.api.get("/v1/payments?maxLag=30")).status).toBe(503);
    expect((await world.api.get("/v1/settlements?maxLag=30")).status).toBe(200);
  });

  test("a refusal by maxLag is distinguished from a failure in log and metrics", async () => {
    await world.history.register("a", T0);
    await world.api.refresh();
    world.api.now = HEAD + 1_000;
    const post = (query: string) =>
      world.api.fetch("/graphql?maxLag=10", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query }),
      });
    await world.api.get("/v1/nodes?maxLag=10");
    await world.api.get("/v1/select");
    await post("{ nodes { nodes { teeId } } }");
    await world.tables.setHead("og", 10_000, HEAD, "not-ready");
    await world.api.get("/v1/nodes?maxLag=10");
    await world.api.get("/v1/pcrs?maxLag=1000000");
    await world.api.get("/v1/channels");
    expect(world.api.observed.map(({ status, code }) => [status, code])).toEqual([
      [503, "stale"],
      [503, "stale"],
      [503, "stale"],
      [503, "indexing"],
      [503, "indexing"],
      [200, null],
    ]);
  });

  test("at later than the newest block is refused with that block's time", async () => {
    const { response, body } = await problem(`/v1/nodes?at=${HEAD + 1}`);
    expect(response.status).toBe(400);
    expect(body).toMatchObject({ code: "at-in-future", newestBlockTime: HEAD });
    expect((await world.api.get(`/v1/nodes?at=${HEAD}`)).status).toBe(200);
  });
});

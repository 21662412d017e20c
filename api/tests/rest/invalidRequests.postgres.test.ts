import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { address, hash } from "../../testing/worlds/chainTables.ts";
import { T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";
import { nodeNamed } from "../../testing/worlds/registryHistory.ts";

const world = useEmptyTables(createTestDatabase);
const { problem } = world;

describe("refusals", () => {
  test.each<readonly [path: string, parameter: string, value: string]>([
    ["/v1/nodes?limit=0", "limit", "0"],
    ["/v1/nodes?limit=1001", "limit", "1001"],
    ["/v1/nodes?limit=1e2", "limit", "1e2"],
    ["/v1/nodes?limit=1&limit=2", "limit", "1,2"],
    ["/v1/nodes?status=alive", "status", "alive"],
    ["/v1/nodes?owner=0x12", "owner", "0x12"],
    ["/v1/nodes?sort=age", "sort", "age"],
    ["/v1/nodes?include=keys,secrets", "include", "keys,secrets"],
    ["/v1/nodes?colour=red", "colour", "red"],
    ["/v1/nodes?registry=first", "registry", "first"],
    ["/v1/nodes?at=99999999999999999999", "at", "99999999999999999999"],
    ["/v1/nodes/0x12", "teeId", "0x12"],
    ["/v1/payments?scheme=gold", "scheme", "gold"],
    ["/v1/onchain-inferences?include=content&limit=101", "limit", "101"],
    ["/v1/nodes?maxLag=-1", "maxLag", "-1"],
    ...[
      "/v1/nodes?",
      `/v1/nodes/${hash("any")}?`,
      `/v1/nodes/${hash("any")}/intervals?`,
      `/v1/nodes/${hash("any")}/series?metric=uptime&`,
      "/v1/operators?",
      `/v1/operators/${address("any")}?`,
      "/v1/network?",
      "/v1/network/series?metric=heartbeats&",
      "/v1/pcrs?",
      "/v1/tee-types?",
      "/v1/stream?",
    ].map(
      (path) => [`${path}registry=${address("not-indexed")}`, "registry", address("not-indexed")] as const,
    ),
  ])("%s names parameter, value and rule", async (path, parameter, value) => {
    const { response, body } = await problem(path);
    expect(response.status).toBe(400);
    expect(body).toMatchObject({
      code: "invalid-parameter",
      type: "/docs/errors#invalid-parameter",
      parameter,
      value,
    });
    expect(body.rule).not.toBe("");
    expect(body.errors).toEqual([{ parameter, value, rule: body.rule }]);
    expect(body.requestId).toBe(response.headers.get("X-Request-Id"));
  });

  test("every invalid parameter is named at once, in path and query, each with its rule", async () => {
    const { body } = await problem(
      "/v1/nodes/0x12/events?kind=born&nosuch=1&limit=0&registry=0x1&registry=0x2",
    );
    const named = body.errors.map(({ parameter }: { parameter: string }) => parameter);
    expect(named.sort()).toEqual(["kind", "limit", "nosuch", "registry", "teeId"]);
    const twice = await problem("/v1/onchain-inferences?modelCid=a&modelCid=b");
    expect(twice.body).toMatchObject({
      value: "a,b",
      rule: expect.stringMatching(/^1 to \d+ characters.*, given once$/),
    });
  });

  test("a range that ends before it starts is refused everywhere; an empty one is not", async () => {
    await world.history.register("a", T0);
    const node = `/v1/nodes/${nodeNamed("a").teeId}`;
    const lists = [
      ...["intervals", "heartbeats", "events", "inferences", "series?metric=uptime"].map(
        (list) => `${node}/${list}`,
      ),
      ...["settlements", "inferences", "onchain-inferences", "models", "payments", "channels"].map(
        (list) => `/v1/${list}`,
      ),
      "/v1/network/series?metric=volume",
    ];
    for (const list of lists) {
      const path = `${list}${list.includes("?") ? "&" : "?"}from=`;
      expect([list, (await world.api.json(`${path}${T0}&to=${T0}`)).items]).toEqual([list, []]);
      const { response, body } = await problem(`${path}${T0}&to=${T0 - 1}&nosuch=1`);
      expect([list, response.status, body.code]).toEqual([list, 400, "invalid-parameter"]);
      expect(body.errors).toContainEqual({
        parameter: "from",
        value: String(T0),
        rule: `not after to, which is ${T0 - 1}`,
      });
      expect(body.detail).toContain(`from: "${T0}": not after to, which is ${T0 - 1}`);
    }
  });

  test("unknown paths and methods", async () => {
    expect((await problem("/v1/nothing")).body.code).toBe("route-not-found");
    const post = await world.api.fetch("/v1/nodes", { method: "POST" });
    expect([post.status, post.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    const preflight = await world.api.fetch("/v1/nodes", {
      method: "OPTIONS",
      headers: { Origin: "http://x", "Access-Control-Request-Method": "GET" },
    });
    expect(preflight.status).toBe(204);
    expect((await world.api.fetch("/v1/nodes", { method: "HEAD" })).status).toBe(200);
    expect(await (await world.api.get("/docs/errors")).text()).toContain('id="cursor-expired"');
  });

  test("an unexpected failure reveals only a request id", async () => {
    await world.tables.client.query("alter table og.settlement rename column relay to relay_gone");
    try {
      const { response, body } = await problem("/v1/settlements");
      expect(response.status).toBe(500);
      expect(JSON.stringify(body)).not.toContain("relay");
      expect(world.api.log.join()).toContain(body.requestId);
      expect(world.api.log.join()).toContain("relay");
    } finally {
      await world.tables.client.query("alter table og.settlement rename column relay_gone to relay");
    }
  });
});

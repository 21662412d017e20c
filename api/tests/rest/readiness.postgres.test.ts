import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../../test/database.ts";
import { PositionWatcher } from "../../queries/state/position.ts";
import { address } from "../../testing/worlds/chainTables.ts";
import { HEAD, T0, useEmptyTables } from "../../testing/worlds/emptyTables.ts";

const world = useEmptyTables(createTestDatabase);
const { pay, problem } = world;

describe("a chain that is not ready", () => {
  test("is named with its progress, and fails only requests that need it", async () => {
    await world.history.register("a", T0);
    await world.tables.setHead("base", 500, T0, "not-ready");
    const { response, body } = await problem("/v1/payments");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).not.toBeNull();
    expect(body).toMatchObject({ code: "indexing", chains: { base: { ready: false, blockNumber: 500 } } });
    const operators = await world.api.get("/v1/operators");
    expect(operators.headers.get("Base-Block")).toBeNull();
    expect(await operators.json()).toMatchObject({ items: [{ revenue: null, payers: null }] });
    expect(await world.api.json("/v1/network")).toMatchObject({
      payments: null,
      volume: null,
      nodes: { total: 1 },
    });
    await world.api.look();
    expect((await world.api.get("/ready")).status).toBe(200);
    const status = await world.api.json("/v1/status");
    // The progress, although the chain is not ready.
    expect(status.chains.base).toMatchObject({ chainId: 8453, block: { number: 500 }, ready: false });
    expect(status.chains.og).toMatchObject({
      ready: true,
      lagSeconds: 7,
      block: { number: 10_000, timestamp: HEAD },
    });
  });

  test("payments are answered without OpenGradient, with null where they need it", async () => {
    await pay(1);
    await world.tables.setHead("og", 1, T0, "not-ready");
    const payments = await world.api.get("/v1/payments");
    expect(payments.headers.get("OG-Block")).toBeNull();
    expect(await payments.json()).toMatchObject({ items: [{ organic: null }] });
    expect((await problem("/v1/nodes")).body.code).toBe("indexing");
    expect((await problem("/ready")).response.status).toBe(503);
    expect((await world.api.get("/health")).status).toBe(200);
  });

  test("answers of Base alone name OpenGradient's block if there is one, and need none", async () => {
    await pay(1);
    const hour = `from=${T0}&to=${T0 + 1}`;
    const paths = [
      "/v1/channels",
      `/v1/channels?payer=${address("payer")}`,
      `/v1/network/series?metric=payments&${hour}`,
      `/v1/network/series?metric=payers&${hour}`,
      "/graphql?query={channels{totalCount}}",
      `/graphql?query={networkSeries(metric:PAYMENTS,from:${T0},to:${T0 + 1}){value}}`,
      "/graphql?query={__typename}",
    ];
    const answers = () => Promise.all(paths.map((path) => world.api.get(path)));
    const told = ({ headers, status }: Response) => [
      status,
      ...["OG-Block", "OG-Block-Time", "OG-Lag-Seconds"].map((name) => headers.get(name)),
    ];
    const before = await answers();
    expect(before.map(told)).toEqual(paths.map(() => [200, "10000", String(HEAD), "7"]));
    // These read nothing and report the last known state.
    const fixed = ["/v1/scoring", "/health", "/v1/nosuch"];
    const known = async () => (await Promise.all(fixed.map((path) => world.api.get(path)))).map(told);
    expect(await known()).toEqual([200, 200, 404].map((status) => [status, "10000", String(HEAD), "7"]));

    await world.tables.setHead("og", 10_001, HEAD + 3);
    const tags = before.map(({ headers }) => headers.get("ETag") ?? "");
    const again = await Promise.all(
      paths.map((path, index) => world.api.get(path, { "If-None-Match": tags[index] ?? "" })),
    );
    expect(again.map(told)).toEqual(paths.map(() => [304, "10001", String(HEAD + 3), "4"]));

    await world.tables.setHead("og", 10_001, T0);
    for (const path of paths) {
      const bounded = path.includes("?") ? `${path}&maxLag=60` : `${path}?maxLag=60`;
      expect([path, (await world.api.get(bounded)).status]).toEqual([path, 200]);
    }

    await world.tables.setHead("og", 10_001, HEAD + 3, "not-ready");
    const without = await answers();
    expect(without.map(told)).toEqual(paths.map(() => [200, null, null, null]));
    expect(without.map(({ headers }) => headers.get("ETag"))).toEqual(tags);
    expect(await known()).toEqual([200, 200, 404].map((status) => [status, null, null, null]));
    const organic = await world.api.get(`/v1/network/series?metric=volume&${hour}`);
    expect(told(organic)).toEqual([200, null, null, null]);
  });

  test("missing views count as not ready", async () => {
    await world.tables.client.query(
      "alter schema og rename to og_hidden; alter schema base rename to base_hidden",
    );
    try {
      expect((await problem("/v1/nodes")).body.code).toBe("indexing");
      const status = await world.api.json("/v1/status");
      expect(status.chains.og.ready).toBe(false);
      expect((await world.api.get("/health")).status).toBe(200);
    } finally {
      await world.tables.client.query(
        "alter schema og_hidden rename to og; alter schema base_hidden rename to base",
      );
    }
  });

  test("after a crash answers resume once the index has caught up; after a reorg at once", async () => {
    const settlements = async () => (await world.api.get("/v1/settlements")).status;
    expect(await settlements()).toBe(200);
    await world.tables.setHead("og", 9_998, HEAD - 2);
    expect(await settlements()).toBe(200);
    await world.tables.setHead("og", 10_000, HEAD);
    expect(await settlements()).toBe(200);
    await world.tables.setHead("og", 9_990, HEAD - 10, "not-ready");
    expect(await settlements()).toBe(503);
    await world.tables.setHead("og", 9_990, HEAD - 10);
    expect(await settlements()).toBe(503);
    expect((await world.api.json("/v1/status")).chains.og.ready).toBe(false);
    await world.tables.setHead("og", 10_000, HEAD);
    expect(await settlements()).toBe(200);
    await world.tables.setHead("og", 9_999, HEAD - 1);
    expect(await settlements()).toBe(200);
  });

  test("a watcher that missed the crash treats a long step back as a recovery", () => {
    const watcher = new PositionWatcher();
    const at = (blockNumber: number) => ({
      ready: true,
      position: {
        chain: "og" as const,
        chainId: 1,
        blockNumber,
        blockTime: 1,
        blockHash: null,
        finalizedBlock: null,
        evidence: null,
      },
    });
    expect(watcher.admit("og", at(1_000))).not.toBeNull();
    expect(watcher.admit("og", at(900))).toBeNull();
    expect(watcher.admit("og", at(999))).toBeNull();
    expect(watcher.admit("og", at(1_000))).not.toBeNull();
  });
});

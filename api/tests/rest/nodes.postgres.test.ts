import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { nodeItemSchema } from "../../rest/node.schema.ts";
import { SCORE_VERSION } from "../../scoring/index.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash, utf8Hex } from "../../testing/worlds/chainTables.ts";
import {
  MAX_AGE_SECONDS,
  nodeNamed,
  OTHER_REGISTRY,
  PCR,
  REGISTRY,
  RegistryHistory,
} from "../../testing/worlds/registryHistory.ts";

const T0 = 1_800_000_000; // a whole hour
const HEAD = T0 + 100_000;

let database: TestDatabase;
let tables: ChainTables;
let history: RegistryHistory;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  await tables.clear();
  history = new RegistryHistory(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await tables.setHead("og", 10_000, HEAD);
  await history.teeType(0, "LLMProxy", T0 - 100);
  await history.approvePcr(T0 - 50);
  return () => api.close();
});

const id = (name: string) => nodeNamed(name).teeId;
const statuses = async (query: string) => {
  const { items } = await api.json(`/v1/nodes?${query}`);
  return Object.fromEntries(
    items.map((node: { teeId: string; status: string }) => [node.teeId, node.status]),
  );
};

describe("status", () => {
  test("follows the contract's rule to the second, now and at past moments", async () => {
    await history.register("a", T0);
    const until = T0 + MAX_AGE_SECONDS + 1;
    expect(await statuses(`at=${T0 - 1}`)).toEqual({});
    expect(await statuses(`at=${T0}`)).toEqual({ [id("a")]: "active" });
    expect(await statuses(`at=${until - 1}`)).toEqual({ [id("a")]: "active" });
    expect(await statuses(`at=${until}`)).toEqual({ [id("a")]: "stale" });
    expect(await statuses("")).toEqual({ [id("a")]: "stale" });
    await tables.setHead("og", 10_001, until - 1);
    expect(await statuses("")).toEqual({ [id("a")]: "active" });
  });

  test("finds ended intervals, disabling, revocation and removal", async () => {
    await history.register("a", T0, {}, { activeFrom: null, activeUntil: null });
    await history.interval("a", 0, T0, T0 + 500, "disabled");
    await history.event("disabled", T0 + 500, { teeId: id("a"), cause: "owner" });
    await history.event("enabled", T0 + 700, { teeId: id("a") });
    await history.interval("a", 1, T0 + 700, T0 + 1_000, "pcr-revoked");
    await history.event("disabled", T0 + 1_000, { teeId: id("a"), cause: "pcr-revocation" });
    await history.revokePcr(T0 + 1_000);
    await history.approvePcr(T0 + 2_000, PCR, "v1-again");
    await history.event("removed", T0 + 3_000, { teeId: id("a") });
    const at = async (time: number) => (await statuses(`at=${time}`))[id("a")];
    expect(await at(T0 + 499)).toBe("active");
    expect(await at(T0 + 500)).toBe("disabled");
    expect(await at(T0 + 699)).toBe("disabled");
    expect(await at(T0 + 700)).toBe("active");
    expect(await at(T0 + 1_000)).toBe("revoked");
    expect(await at(T0 + 1_999)).toBe("revoked");
    expect(await at(T0 + 2_000)).toBe("disabled");
    expect(await at(T0 + 3_000)).toBe("removed");
    const revoked = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 1_500}`);
    expect(revoked).toMatchObject({
      enabled: false,
      pcr: { hash: PCR, version: "v1", approved: false, approvedAt: T0 - 50, revokedAt: T0 + 1_000 },
    });
    const again = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 2_500}`);
    expect(again.pcr).toEqual({
      hash: PCR,
      version: "v1-again",
      approved: true,
      approvedAt: T0 + 2_000,
      revokedAt: null,
    });
  });

  test("a legacy revocation applies to every type once its grace period is over", async () => {
    const pcrHash = hash("legacy");
    await history.approvePcr(T0 - 10, pcrHash, "old", -1);
    await history.register("a", T0, { pcrHash }, { activeFrom: T0, activeUntil: T0 + 600 });
    await history.revokePcr(T0 + 100, pcrHash, -1, T0 + 600);
    expect(await statuses(`at=${T0 + 599}`)).toEqual({ [id("a")]: "active" });
    expect(await statuses(`at=${T0 + 600}`)).toEqual({ [id("a")]: "revoked" });
  });

  test("the latest of the approvals for one type and for all types holds", async () => {
    const pcrHash = hash("both");
    await history.approvePcr(T0 - 10, pcrHash, "typed", 0);
    await history.register("a", T0, { pcrHash }, { activeFrom: T0, activeUntil: T0 + 600 });
    await history.revokePcr(T0 + 100, pcrHash, -1, T0 + 600);
    expect(await statuses(`at=${T0 + 599}`)).toEqual({ [id("a")]: "active" });
    expect(await statuses(`at=${T0 + 600}`)).toEqual({ [id("a")]: "revoked" });
    const revoked = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 600}`);
    expect(revoked.pcr).toMatchObject({ approved: false, revokedAt: T0 + 600 });

    await history.approvePcr(T0 + 700, pcrHash, "for all", -1);
    expect(await statuses(`at=${T0 + 700}`)).toEqual({ [id("a")]: "stale" });
    await history.revokePcr(T0 + 800, pcrHash, 0, T0 + 800);
    expect(await statuses(`at=${T0 + 800}`)).toEqual({ [id("a")]: "revoked" });
  });

  test("heartbeats move lastHeartbeatAt by block time and lastSignedAt by signed time", async () => {
    await history.register("a", T0, {}, { activeUntil: T0 + 950 + MAX_AGE_SECONDS + 1 });
    await history.heartbeat("a", T0 + 900, T0 + 890);
    await history.heartbeat("a", T0 + 950, T0 + 890, { repeated: true });
    const before = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 899}`);
    expect(before).toMatchObject({ lastHeartbeatAt: T0, lastSignedAt: T0 });
    const after = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 950}`);
    expect(after).toMatchObject({ lastHeartbeatAt: T0 + 950, lastSignedAt: T0 + 890 });
  });
});

describe("the answer", () => {
  test("has every field; keys only in the detail or on request", async () => {
    await history.register("a", T0);
    const detail = await api.json(`/v1/nodes/${id("a")}`);
    expect(detail).toMatchObject({
      registry: REGISTRY,
      chainId: 10740,
      teeType: { id: 0, name: "LLMProxy" },
      owner: address("owner-a"),
      paymentAddress: address("pay-a"),
      endpoint: "https://a.example",
      endpointHex: null,
      publicKey: nodeNamed("a").publicKey,
      ohttpConfig: null,
      recordSource: "call",
      score: { version: SCORE_VERSION, gates: [{ reason: "stale" }, { reason: "not-proved-alive" }] },
    });
    const plain = await api.json("/v1/nodes");
    expect(() => nodeItemSchema([]).parse(plain.items[0])).not.toThrow();
    const full = await api.json("/v1/nodes?include=keys,metrics");
    expect(() => nodeItemSchema(["keys", "metrics"]).parse(full.items[0])).not.toThrow();
  });

  test("has the raw endpoint only when its text is altered", async () => {
    await history.register("a", T0, { endpoint: "https://a", endpointHex: utf8Hex("https://a\u0000") });
    const node = await api.json(`/v1/nodes/${id("a")}`);
    expect(node).toMatchObject({ endpoint: "https://a", endpointHex: utf8Hex("https://a\u0000") });
  });

  test("counts uptime and heartbeats over windows", async () => {
    // active 600 of the last 3,600 seconds, registered long before
    await history.register("a", HEAD - 90_000, {}, { activeFrom: HEAD - 600, activeUntil: HEAD + 1_000 });
    await history.interval("a", 0, HEAD - 90_000, HEAD - 50_000);
    for (const ago of [89_000, 86_400, 86_399, 40_000, 3_600, 3_599, 10, 0])
      await history.heartbeat("a", HEAD - ago);
    const { metrics } = await api.json(`/v1/nodes/${id("a")}`);
    expect(metrics["1h"]).toMatchObject({ uptime: 0.166667, heartbeats: 3, inferences: null });
    expect(metrics["24h"]).toMatchObject({ heartbeats: 6 });
    expect(metrics["24h"].uptime).toBeCloseTo((36_400 + 600) / 86_400, 6);
    expect(metrics["7d"].heartbeats).toBe(8);
    expect(metrics.all).toMatchObject({ heartbeats: 8, settlements: 0 });
    expect(metrics.all.uptime).toBeCloseTo(40_600 / 90_000, 6);
    const past = await api.json(`/v1/nodes/${id("a")}?at=${HEAD - 40_000}`);
    expect(past.metrics.all.heartbeats).toBe(4);
  });
});

describe("observations", () => {
  const observation = (name: string, blockNumber: number, time: number, change: object = {}) =>
    tables.insert("observations", "nodeRecord", {
      registry: REGISTRY,
      teeId: id(name),
      blockNumber,
      blockHash: hash("x"),
      blockTimestamp: time,
      owner: address("owner-a"),
      paymentAddress: address(`pay-${name}`),
      endpointHex: utf8Hex(`https://${name}.example`),
      publicKey: nodeNamed(name).publicKey,
      tlsCertificate: utf8Hex("certificate"),
      pcrHash: PCR,
      teeType: 0,
      enabled: true,
      registeredAt: T0,
      lastConfirmedBlock: blockNumber,
      lastConfirmedAt: time,
      ...change,
    });
  const ohttp = {
    ohttpKeyId: 1,
    ohttpKemId: 32,
    ohttpKdfId: 1,
    ohttpAeadId: 1,
    ohttpPublicKey: "0xaa",
    ohttpKeyConfig: "0xbb",
    ohttpRegisteredAt: T0 + 5,
  };

  test("show, from their block on, what no event announced", async () => {
    await history.register("a", T0);
    const seen = await history.next(T0 + 1_000);
    await observation("a", seen, T0 + 1_000, { ...ohttp, endpointHex: utf8Hex("https://moved\u202e") });
    const before = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 999}`);
    expect(before).toMatchObject({ ohttpConfig: null, endpoint: "https://a.example", recordSource: "call" });
    const after = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 1_000}`);
    expect(after).toMatchObject({
      ohttpConfig: { keyId: 1, kemId: 32, publicKey: "0xaa", keyConfig: "0xbb", registeredAt: T0 + 5 },
      endpoint: "https://moved",
      endpointHex: utf8Hex("https://moved\u202e"),
      recordSource: "observation",
    });
  });

  test("fill in a record that the registration left unknown, also for earlier blocks", async () => {
    const unknown = {
      paymentAddress: null,
      endpoint: null,
      endpointHex: null,
      publicKey: null,
      tlsCertificate: null,
      pcrHash: null,
      recordSource: null,
    };
    await history.register("a", T0, unknown);
    const bare = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 10}`);
    expect(bare).toMatchObject({ paymentAddress: null, pcr: null, recordSource: null, status: "active" });
    await observation("a", await history.next(T0 + 1_000), T0 + 1_000);
    const filled = await api.json(`/v1/nodes/${id("a")}?at=${T0 + 10}`);
    expect(filled).toMatchObject({
      paymentAddress: address("pay-a"),
      endpoint: "https://a.example",
      endpointHex: null,
      publicKey: nodeNamed("a").publicKey,
      pcr: { hash: PCR },
      recordSource: "observation",
    });
    const { items } = await api.json(`/v1/nodes?paymentAddress=${address("pay-a")}&at=${T0 + 10}`);
    expect(items).toHaveLength(1);
  });

  test("leave the source of an unchanged record as it was", async () => {
    await history.register("a", T0);
    await observation("a", await history.next(T0 + 1_000), T0 + 1_000);
    expect((await api.json(`/v1/nodes/${id("a")}`)).recordSource).toBe("call");
  });
});

describe("lists", () => {
  beforeEach(async () => {
    await history.register("a", T0, { owner: address("owner-a") });
    await history.register("b", T0 + 10, { owner: address("owner-b"), teeType: 1 });
    await history.register("c", T0 + 20, { pcrHash: hash("pcr-two") }, { activeUntil: HEAD + 1 });
    await history.register("d", T0 + 30, { registry: OTHER_REGISTRY });
  });
  const ids = async (query: string) =>
    (await api.json(`/v1/nodes?${query}`)).items.map((node: { teeId: string }) => node.teeId);

  test("filter by every field", async () => {
    expect(await ids("")).toEqual([id("c"), id("b"), id("a")]);
    expect(await ids("registry=all")).toEqual([id("d"), id("c"), id("b"), id("a")]);
    expect(await ids(`registry=${OTHER_REGISTRY}`)).toEqual([id("d")]);
    expect(await ids(`owner=${address("owner-b").toUpperCase().replace("0X", "0x")}`)).toEqual([id("b")]);
    expect(await ids("teeType=1")).toEqual([id("b")]);
    expect(await ids(`pcrHash=${hash("pcr-two")}`)).toEqual([id("c")]);
    expect(await ids(`paymentAddress=${address("pay-a")}`)).toEqual([id("a")]);
    expect(await ids("status=active")).toEqual([id("c")]);
    expect(await ids("status=stale")).toEqual([id("b"), id("a")]);
    expect(await ids(`at=${T0 + 10}`)).toEqual([id("b"), id("a")]);
  });

  test("sort by every key, in pages that neither repeat nor skip", async () => {
    for (const sort of ["score", "uptime", "registeredAt", "inferences"]) {
      const whole = await ids(`sort=${sort}`);
      const paged: string[] = [];
      let after = "";
      for (;;) {
        const page = await api.json(`/v1/nodes?sort=${sort}&limit=1${after}`);
        paged.push(...page.items.map((node: { teeId: string }) => node.teeId));
        if (!page.pageInfo.hasNextPage) break;
        after = `&after=${page.pageInfo.endCursor}`;
      }
      expect(paged).toEqual(whole);
      expect(new Set(paged).size).toBe(3);
    }
    expect((await ids("sort=uptime"))[0]).toBe(id("c"));
  });

  test.each(["an event", "none"])(
    "a cursor of a block with %s keeps its state as time passes",
    async (has) => {
      const block = has === "none" ? history.nextWithoutEvent() : await history.next(T0 + 100);
      await tables.setHead("og", block, T0 + 100);
      const first = await api.json("/v1/nodes?limit=1");
      await history.register("e", T0 + 200);
      await tables.setHead("og", history.block, HEAD);
      const second = await api.get(`/v1/nodes?limit=5&after=${first.pageInfo.endCursor}`);
      expect(second.headers.get("OG-Block-Time")).toBe(String(T0 + 100));
      const { items } = (await second.json()) as { items: { teeId: string; status: string }[] };
      expect(items.map(({ teeId, status }) => [teeId, status])).toEqual([
        [id("b"), "active"],
        [id("a"), "active"],
      ]);
    },
  );

  test("a node of another registry is named in the refusal", async () => {
    const response = await api.get(`/v1/nodes/${id("d")}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "node-not-found", registries: [OTHER_REGISTRY] });
    expect((await api.get(`/v1/nodes/${id("d")}?registry=${OTHER_REGISTRY}`)).status).toBe(200);
    expect((await api.get(`/v1/nodes/${id("a")}?at=${T0 - 1}`)).status).toBe(404);
  });
});

describe("history", () => {
  test("marks what depends on an unread heartbeatMaxAge or an unknown PCR, and nothing else", async () => {
    const age = { registry: REGISTRY, valueSeconds: MAX_AGE_SECONDS, value: MAX_AGE_SECONDS };
    await tables.insert("og", "heartbeatMaxAge", {
      ...{ ...age, ordinal: 0, fromBlock: 1, fromAt: T0 - 1_000, precision: "exact" },
    });
    const spell = { registry: REGISTRY, precision: "bounded", afterBlock: 0, untilBlock: 0 };
    await tables.insert("og", "maxAgeUncertainty", {
      ...{ ...spell, ordinal: 0, afterAt: T0 + 2_000, untilAt: T0 + 5_000 },
    });
    await history.register("a", T0, {}, { activeFrom: T0 + 10_000, activeUntil: HEAD + 1 });
    await history.interval("a", 0, T0, T0 + 2_000);
    await history.interval("a", 1, T0 + 2_500, T0 + 2_600);
    await history.interval("a", 2, T0 + 5_000, T0 + 9_000);
    await history.heartbeat("a", HEAD - 100);
    const { items } = await api.json(`/v1/nodes/${id("a")}/intervals?notion=active`);
    expect(
      items.map(({ fromAt, precision }: { fromAt: number; precision: string }) => [fromAt - T0, precision]),
    ).toEqual([
      [10_000, "exact"],
      [5_000, "bounded"],
      [2_500, "bounded"],
      [0, "exact"],
    ]);

    const stateAt = async (at: number) => {
      const { status, statusPrecision } = await api.json(`/v1/nodes/${id("a")}?at=${at}`);
      return [status, statusPrecision];
    };
    expect(await stateAt(T0 + 2_000)).toEqual(["stale", "exact"]);
    expect(await stateAt(T0 + 2_001)).toEqual(["stale", "bounded"]);
    expect(await stateAt(T0 + 2_500)).toEqual(["active", "bounded"]);
    expect(await stateAt(T0 + 5_000)).toEqual(["active", "exact"]);
    expect(await stateAt(HEAD)).toEqual(["active", "exact"]);

    const { heartbeatMaxAge } = await api.json("/v1/network");
    expect(heartbeatMaxAge).toEqual({
      ...{ registry: REGISTRY, value: MAX_AGE_SECONDS, precision: "exact", exactSince: T0 + 5_000 },
    });
    expect((await api.json("/v1/network?registry=all")).heartbeatMaxAge).toBeNull();

    await tables.insert("og", "maxAgeUncertainty", {
      ...{ ...spell, ordinal: 1, afterAt: HEAD - 50, untilAt: null, untilBlock: null },
    });
    expect((await api.json("/v1/network")).heartbeatMaxAge).toMatchObject({
      ...{ precision: "bounded", exactSince: null },
    });
    expect(await stateAt(HEAD)).toEqual(["active", "bounded"]);
    await history.event("disabled", HEAD - 10, { teeId: id("a"), logIndex: 7 });
    await tables.client.query("update og.node_liveness set active_until = $1", [HEAD - 10]);
    expect(await stateAt(HEAD)).toEqual(["disabled", "exact"]);

    await tables.client.query("delete from og.max_age_uncertainty; update og.node set pcr_hash = null");
    expect(await stateAt(HEAD)).toEqual(["disabled", "exact"]);
    await history.event("pcr-revoked", HEAD - 5, { pcrHash: hash("any"), teeType: 0, logIndex: 8 });
    expect(await stateAt(HEAD)).toEqual(["disabled", "assumed"]);
  });

  test("has intervals of both notions, as known at the moment", async () => {
    await tables.insert("og", "heartbeatMaxAge", {
      registry: REGISTRY,
      ordinal: 0,
      valueSeconds: MAX_AGE_SECONDS,
      value: MAX_AGE_SECONDS,
      fromBlock: 1,
      fromAt: T0 - 1_000,
      precision: "exact",
    });
    await history.register("a", T0, {}, { activeFrom: T0 + 10_000, activeUntil: HEAD + 1 });
    // Ended and restarted within one second.
    await history.interval("a", 0, T0, T0 + 900, "max-age");
    await history.interval("a", 1, T0 + 900, T0 + 2_701, "stale");
    await history.heartbeat("a", T0 + 900);
    await history.heartbeat("a", T0 + 10_000);
    await history.heartbeat("a", HEAD - 100);
    const gap = { registry: REGISTRY, teeId: id("a"), maxAgeSeconds: MAX_AGE_SECONDS };
    await tables.insert("og", "provedGap", {
      ...gap,
      ordinal: 0,
      lastSignedAt: T0 + 900,
      nextSignedAt: T0 + 10_000,
      knownAt: T0 + 10_000,
    });
    await tables.insert("og", "provedGap", {
      ...gap,
      ordinal: 1,
      lastSignedAt: T0 + 10_000,
      nextSignedAt: HEAD - 100,
      knownAt: HEAD - 100,
    });
    const { items } = await api.json(`/v1/nodes/${id("a")}/intervals`);
    expect(items).toEqual([
      { notion: "proved", fromAt: HEAD - 100, untilAt: null, endCause: null, precision: "exact" },
      { notion: "active", fromAt: T0 + 10_000, untilAt: null, endCause: null, precision: "exact" },
      { notion: "proved", fromAt: T0 + 10_000, untilAt: T0 + 10_900, endCause: null, precision: "exact" },
      { notion: "active", fromAt: T0, untilAt: T0 + 2_701, endCause: "stale", precision: "exact" },
      { notion: "proved", fromAt: T0, untilAt: T0 + 1_800, endCause: null, precision: "exact" },
    ]);
    const active = await api.json(`/v1/nodes/${id("a")}/intervals?notion=active&limit=1&from=${T0 + 5_000}`);
    expect(active).toMatchObject({ items: [{ fromAt: T0 + 10_000 }], pageInfo: { hasNextPage: false } });
    const first = await api.json(`/v1/nodes/${id("a")}/intervals?limit=2`);
    const rest = await api.json(`/v1/nodes/${id("a")}/intervals?limit=9&after=${first.pageInfo.endCursor}`);
    expect([...first.items, ...rest.items]).toEqual(items);
  });

  test("has heartbeats and events, by time range", async () => {
    await history.register("a", T0);
    await history.heartbeat("a", T0 + 900, T0 + 890);
    await history.heartbeat("a", T0 + 1_800, T0 + 1_790);
    await history.event("disabled", T0 + 2_000, { teeId: id("a"), cause: "owner" });
    const beats = await api.json(`/v1/nodes/${id("a")}/heartbeats`);
    expect(beats.items.map((beat: { receivedAt: number }) => beat.receivedAt)).toEqual([
      T0 + 1_800,
      T0 + 900,
    ]);
    expect(beats.items[0].latenessSeconds).toBe(10);
    const inclusive = await api.json(`/v1/nodes/${id("a")}/heartbeats?from=${T0 + 900}&to=${T0 + 1_800}`);
    expect(inclusive.items).toHaveLength(1);
    const events = await api.json(`/v1/nodes/${id("a")}/events`);
    expect(events.items.map((event: { kind: string }) => event.kind)).toEqual(["disabled", "registered"]);
    expect((await api.json(`/v1/nodes/${id("a")}/events?kind=registered`)).items).toHaveLength(1);
  });
});

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { encodeAbiParameters, parseAbiParameters } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { MAX_PAYEE_DAYS } from "../../queries/payments/payers.ts";
import { PositionWatcher } from "../../queries/state/position.ts";
import { COMMON_PAYEE, createTestApi, DAILY_CAPS, OPG, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash, utf8Hex } from "../../testing/worlds/chainTables.ts";
import { nodeNamed, PCR, RegistryHistory } from "../../testing/worlds/registryHistory.ts";

const T0 = 1_800_000_000;
const HEAD = T0 + 100_000;
const DAY = 86_400;
const OPG_UNIT = 10n ** 18n;

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
  await tables.setHead("base", 20_000, HEAD + 2);
  return () => api.close();
});

async function settle(blockNumber: number, details: Readonly<Record<string, unknown>> = {}) {
  await tables.block("og", blockNumber, T0 + blockNumber);
  await tables.insert("og", "settlement", {
    blockNumber,
    logIndex: 3,
    relay: address("relay"),
    kind: "individual",
    eventSignature: "IndividualSettlement",
    txHash: hash(`settle${blockNumber}`),
    settledAt: T0 + blockNumber,
    relayer: address("relayer"),
    teeId: nodeNamed("a").teeId,
    claimedPayer: address("payer"),
    inputHash: hash("in"),
    outputHash: hash("out"),
    signedAt: T0 + blockNumber - 5,
    signature: "0xabcd",
    blobId: "b".repeat(43),
    blobIdHex: utf8Hex("b".repeat(43)),
    ...details,
  });
}

async function pay(blockNumber: number, details: Readonly<Record<string, unknown>> = {}) {
  const row = {
    blockNumber,
    logIndex: 1,
    scheme: "upto",
    method: "permit2",
    token: OPG,
    payer: address("payer"),
    payee: address("pay-a"),
    amount: String(OPG_UNIT / 2n),
    permittedAmount: String(OPG_UNIT),
    facilitator: address("facilitator"),
    paidAt: T0 + blockNumber,
    txHash: hash(`pay${blockNumber}`),
    source: "call",
    ...details,
  };
  await tables.client.query("insert into base.block values (8453, $1, $2, $3) on conflict do nothing", [
    blockNumber,
    hash(`base${blockNumber}`),
    row.paidAt,
  ]);
  await tables.insert("base", "payment", row);
  await tables.sumPayments(DAILY_CAPS);
}

const idsOf = async (path: string): Promise<string[]> =>
  (await api.json(path)).items.map((item: { txHash: string }) => item.txHash);
const problem = async (path: string) => {
  const response = await api.get(path);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  // biome-ignore lint/suspicious/noExplicitAny: problems have members of their own
  return { response, body: (await response.json()) as any };
};

describe("settlements", () => {
  test("have every field, whatever their generation, and are found by every filter", async () => {
    await settle(1);
    await settle(2, {
      kind: "batch",
      teeId: null,
      merkleRoot: hash("root"),
      batchSize: "7",
      blobId: null,
      blobIdHex: "0xff",
    });
    await settle(3, { kind: "legacy", teeId: null, signature: null, signedAt: null, claimedPayer: null });
    await settle(4, { signedAt: "9".repeat(70), relayer: address("other") });
    const { items } = await api.json("/v1/settlements");
    expect(items.map((item: { verdict: string }) => item.verdict)).toEqual([
      "pending",
      "unverifiable",
      "pending",
      "pending",
    ]);
    expect(items[0].signedAt).toBeNull();
    expect(items[2]).toMatchObject({
      batchSize: 7,
      blobId: null,
      blobIdHex: "0xff",
      merkleRoot: hash("root"),
    });
    expect(items[3]).toMatchObject({ blobIdHex: null, signedAt: T0 - 4 });
    const of = (...blocks: number[]) => blocks.map((block) => hash(`settle${block}`));
    expect(await idsOf("/v1/settlements?kind=batch")).toEqual(of(2));
    expect(await idsOf(`/v1/settlements?teeId=${nodeNamed("a").teeId}`)).toEqual(of(4, 1));
    expect(await idsOf(`/v1/settlements?relayer=${address("other")}`)).toEqual(of(4));
    expect(await idsOf(`/v1/settlements?payer=${address("payer")}`)).toEqual(of(4, 2, 1));
    expect(await idsOf(`/v1/settlements?merkleRoot=${hash("root")}`)).toEqual(of(2));
    expect(await idsOf("/v1/settlements?verdict=unverifiable")).toEqual(of(3));
    expect(await idsOf("/v1/settlements?verdict=verified")).toEqual([]);
    expect(await idsOf(`/v1/settlements?from=${T0 + 2}&to=${T0 + 4}`)).toEqual(of(3, 2));
    const _one = await api.json(`/v1/settlements/${items[2].id}`);
    expect((await problem(`/v1/settlements/10740-${hash("none")}-3`)).body.code).toBe("settlement-not-found");
    expect((await problem("/v1/settlements/nonsense")).body).toMatchObject({
      code: "invalid-parameter",
      parameter: "id",
    });
  });

  test("pages stay whole while rows arrive, and start over after a rollback", async () => {
    for (let block = 1; block <= 6; block++) await settle(block);
    await tables.setHead("og", 6, T0 + 6);
    const first = await api.json("/v1/settlements?limit=3");
    for (let block = 7; block <= 9; block++) await settle(block);
    await tables.setHead("og", 9, T0 + 9);
    const { endCursor } = first.pageInfo;
    const second = await api.json(`/v1/settlements?limit=3&after=${endCursor}`);
    const seen = [...first.items, ...second.items].map((item: { blockNumber: number }) => item.blockNumber);
    expect(seen).toEqual([6, 5, 4, 3, 2, 1]);
    expect(second.pageInfo.hasNextPage).toBe(false);

    await tables.client.query("update og.block set hash = $1 where number = 6", [hash("forked")]);
    expect((await problem(`/v1/settlements?limit=3&after=${endCursor}`)).body.code).toBe("cursor-expired");
    await tables.client.query(
      "delete from og.block where number >= 5; delete from og.settlement where block_number >= 5",
    );
    await tables.setHead("og", 4, T0 + 4);
    const { response, body } = await problem(`/v1/settlements?limit=3&after=${endCursor}`);
    expect([response.status, body.code]).toEqual([410, "cursor-expired"]);
  });

  test("a cursor is valid only for its path, filters and sort, and other text is refused", async () => {
    await settle(1);
    await settle(2);
    const { pageInfo } = await api.json("/v1/settlements?limit=1&kind=individual");
    const after = pageInfo.endCursor;
    expect((await api.get(`/v1/settlements?limit=5&kind=individual&format=csv&after=${after}`)).status).toBe(
      200,
    );
    const forged = Buffer.from(
      Buffer.from(after, "base64url")
        .toString()
        .replace('"k":[1,3]', '"k":["x",3]')
        .replace('"k":[2,3]', '"k":["x",3]'),
    ).toString("base64url");
    for (const path of [
      `/v1/settlements?after=${after}`,
      `/v1/nodes?after=${after}`,
      "/v1/settlements?after=nonsense",
      "/v1/settlements?after=",
      `/v1/settlements?kind=individual&after=${forged}`,
    ]) {
      const { response, body } = await problem(path);
      expect([response.status, body.code]).toEqual([400, "invalid-cursor"]);
    }
  });
});

describe("CSV and NDJSON", () => {
  test("CSV escapes formulas, quotes line breaks, and names nested columns", async () => {
    await history.approvePcr(T0, PCR, "=1+1");
    await history.approvePcr(T0 + 1, hash("two"), 'a"b,\nc');
    await history.approvePcr(T0 + 2, hash("three"), "@cmd", 3);
    const response = await api.get("/v1/pcrs?format=csv");
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
    await tables.setHead("og", 25, T0 + 25);
    const page = await api.get("/v1/settlements?format=ndjson&limit=10");
    expect((await page.text()).trim().split("\n")).toHaveLength(10);
    expect(page.headers.get("link")).toMatch(/^<\/v1\/settlements\?.*after=.*>; rel="next"$/);
    const walk = await api.get("/v1/settlements?all=true&limit=4");
    const reader = (walk.body as ReadableStream<Uint8Array>).getReader();
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
      if (chunks.length === 2) {
        await settle(26);
        await tables.setHead("og", 26, T0 + 26);
      }
    }
    expect(chunks.length).toBe(7);
    const body = JSON.parse(Buffer.concat(chunks).toString());
    expect(body.pageInfo).toEqual({ endCursor: null, hasNextPage: false });
    expect(body.items.map((item: { blockNumber: number }) => item.blockNumber)).toEqual(
      Array.from({ length: 25 }, (_, index) => 25 - index),
    );
    const csv = await (await api.get("/v1/settlements?all=true&limit=4&format=csv")).text();
    expect(csv.trim().split("\n")).toHaveLength(27);
    const empty = await api.json("/v1/settlements?all=true&kind=batch");
    expect(empty).toEqual({ items: [], pageInfo: { endCursor: null, hasNextPage: false } });
  });

  test("a walk that fails closes the connection", async () => {
    for (let block = 1; block <= 9; block++) await settle(block);
    await tables.setHead("og", 9, T0 + 9);
    const walk = await api.get("/v1/settlements?all=true&limit=4");
    const reader = (walk.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await tables.setHead("og", 8, T0 + 8);
    await expect(reader.read()).rejects.toMatchObject({ code: "cursor-expired" });

    await tables.setHead("og", 9, T0 + 9);
    const server = createServer(getRequestListener((request) => api.handler(request)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const whole = await fetch(`http://127.0.0.1:${port}/v1/settlements?all=true&limit=4&format=ndjson`);
      expect((await whole.text()).trim().split("\n")).toHaveLength(9);
      expect(whole.headers.get("date")).toBe(new Date(api.now * 1_000).toUTCString());
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe("freshness", () => {
  test("is in headers, entity tag and 304", async () => {
    await settle(1);
    const response = await api.get("/v1/settlements");
    expect(response.headers.get("OG-Block")).toBe("10000");
    expect(response.headers.get("OG-Block-Time")).toBe(String(HEAD));
    expect(response.headers.get("OG-Lag-Seconds")).toBe("7");
    expect(response.headers.get("Base-Block")).toBeNull();
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("OG-Lag-Seconds");
    const tag = response.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^W\/"/);
    const again = await api.get("/v1/settlements", { "If-None-Match": `"x", ${tag}` });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect(again.headers.get("ETag")).toBe(tag);
    expect(again.headers.get("OG-Block")).toBe("10000");
    expect((await api.get("/v1/settlements?maxLag=60", { "If-None-Match": tag })).status).toBe(304);
    expect((await api.get("/v1/settlements?limit=2", { "If-None-Match": tag })).status).toBe(200);
    await tables.client.query("update og.block set hash = $1 where number = 1", [hash("forked")]);
    expect((await api.get("/v1/settlements", { "If-None-Match": tag })).status).toBe(200);
    const both = await api.get("/v1/payments");
    expect(both.headers.get("Base-Block")).toBe("20000");
    expect(both.headers.get("OG-Block")).toBe("10000");
  });

  test("maxLag is checked before If-None-Match", async () => {
    const tag = (await api.get("/v1/settlements")).headers.get("ETag") ?? "";
    const response = await api.get("/v1/settlements?maxLag=6", { "If-None-Match": tag });
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "stale", lagSeconds: 7, maxLag: 6 });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("Retry-After")).not.toBeNull();
    expect((await api.get("/v1/settlements?maxLag=7")).status).toBe(200);
    await tables.setHead("base", 20_000, HEAD - 50);
    expect((await api.get("/v1/payments?maxLag=30")).status).toBe(503);
    expect((await api.get("/v1/settlements?maxLag=30")).status).toBe(200);
  });

  test("a refusal by maxLag is distinguished from a failure in log and metrics", async () => {
    await history.register("a", T0);
    await api.refresh();
    api.now = HEAD + 1_000;
    const post = (query: string) =>
      api.fetch("/graphql?maxLag=10", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query }),
      });
    await api.get("/v1/nodes?maxLag=10");
    await api.get("/v1/select");
    await post("{ nodes { nodes { teeId } } }");
    await tables.setHead("og", 10_000, HEAD, "not-ready");
    await api.get("/v1/nodes?maxLag=10");
    await api.get("/v1/pcrs?maxLag=1000000");
    await api.get("/v1/channels");
    expect(api.observed.map(({ status, code }) => [status, code])).toEqual([
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
    expect((await api.get(`/v1/nodes?at=${HEAD}`)).status).toBe(200);
  });
});

describe("a chain that is not ready", () => {
  test("is named with its progress, and fails only requests that need it", async () => {
    await history.register("a", T0);
    await tables.setHead("base", 500, T0, "not-ready");
    const { response, body } = await problem("/v1/payments");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).not.toBeNull();
    expect(body).toMatchObject({ code: "indexing", chains: { base: { ready: false, blockNumber: 500 } } });
    const operators = await api.get("/v1/operators");
    expect(operators.headers.get("Base-Block")).toBeNull();
    expect(await operators.json()).toMatchObject({ items: [{ revenue: null, payers: null }] });
    expect(await api.json("/v1/network")).toMatchObject({
      payments: null,
      volume: null,
      nodes: { total: 1 },
    });
    await api.look();
    expect((await api.get("/ready")).status).toBe(200);
    const status = await api.json("/v1/status");
    // How far it is, although nothing is answered from it.
    expect(status.chains.base).toMatchObject({ chainId: 8453, block: { number: 500 }, ready: false });
    expect(status.chains.og).toMatchObject({
      ready: true,
      lagSeconds: 7,
      block: { number: 10_000, timestamp: HEAD },
    });
  });

  test("payments are answered without OpenGradient, with null where they need it", async () => {
    await pay(1);
    await tables.setHead("og", 1, T0, "not-ready");
    const payments = await api.get("/v1/payments");
    expect(payments.headers.get("OG-Block")).toBeNull();
    expect(await payments.json()).toMatchObject({ items: [{ organic: null }] });
    expect((await problem("/v1/nodes")).body.code).toBe("indexing");
    expect((await problem("/ready")).response.status).toBe(503);
    expect((await api.get("/health")).status).toBe(200);
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
    const answers = () => Promise.all(paths.map((path) => api.get(path)));
    const told = ({ headers, status }: Response) => [
      status,
      ...["OG-Block", "OG-Block-Time", "OG-Lag-Seconds"].map((name) => headers.get(name)),
    ];
    const before = await answers();
    expect(before.map(told)).toEqual(paths.map(() => [200, "10000", String(HEAD), "7"]));
    // These read nothing at all: what was seen last is what they know.
    const fixed = ["/v1/scoring", "/health", "/v1/nosuch"];
    const known = async () => (await Promise.all(fixed.map((path) => api.get(path)))).map(told);
    expect(await known()).toEqual([200, 200, 404].map((status) => [status, "10000", String(HEAD), "7"]));

    await tables.setHead("og", 10_001, HEAD + 3);
    const tags = before.map(({ headers }) => headers.get("ETag") ?? "");
    const again = await Promise.all(
      paths.map((path, index) => api.get(path, { "If-None-Match": tags[index] ?? "" })),
    );
    expect(again.map(told)).toEqual(paths.map(() => [304, "10001", String(HEAD + 3), "4"]));

    await tables.setHead("og", 10_001, T0);
    for (const path of paths) {
      const bounded = path.includes("?") ? `${path}&maxLag=60` : `${path}?maxLag=60`;
      expect([path, (await api.get(bounded)).status]).toEqual([path, 200]);
    }

    await tables.setHead("og", 10_001, HEAD + 3, "not-ready");
    const without = await answers();
    expect(without.map(told)).toEqual(paths.map(() => [200, null, null, null]));
    expect(without.map(({ headers }) => headers.get("ETag"))).toEqual(tags);
    expect(await known()).toEqual([200, 200, 404].map((status) => [status, null, null, null]));
    const organic = await api.get(`/v1/network/series?metric=volume&${hour}`);
    expect(told(organic)).toEqual([200, null, null, null]);
  });

  test("missing views count as not ready", async () => {
    await tables.client.query("alter schema og rename to og_hidden; alter schema base rename to base_hidden");
    try {
      expect((await problem("/v1/nodes")).body.code).toBe("indexing");
      const status = await api.json("/v1/status");
      expect(status.chains.og.ready).toBe(false);
      expect((await api.get("/health")).status).toBe(200);
    } finally {
      await tables.client.query(
        "alter schema og_hidden rename to og; alter schema base_hidden rename to base",
      );
    }
  });

  test("after a crash answers resume once the index has caught up; after a reorg at once", async () => {
    const settlements = async () => (await api.get("/v1/settlements")).status;
    expect(await settlements()).toBe(200);
    await tables.setHead("og", 9_998, HEAD - 2);
    expect(await settlements()).toBe(200);
    await tables.setHead("og", 10_000, HEAD);
    expect(await settlements()).toBe(200);
    await tables.setHead("og", 9_990, HEAD - 10, "not-ready");
    expect(await settlements()).toBe(503);
    await tables.setHead("og", 9_990, HEAD - 10);
    expect(await settlements()).toBe(503);
    expect((await api.json("/v1/status")).chains.og.ready).toBe(false);
    await tables.setHead("og", 10_000, HEAD);
    expect(await settlements()).toBe(200);
    await tables.setHead("og", 9_999, HEAD - 1);
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
    await history.register("a", T0);
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
      expect([list, (await api.json(`${path}${T0}&to=${T0}`)).items]).toEqual([list, []]);
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
    const post = await api.fetch("/v1/nodes", { method: "POST" });
    expect([post.status, post.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    const preflight = await api.fetch("/v1/nodes", {
      method: "OPTIONS",
      headers: { Origin: "http://x", "Access-Control-Request-Method": "GET" },
    });
    expect(preflight.status).toBe(204);
    expect((await api.fetch("/v1/nodes", { method: "HEAD" })).status).toBe(200);
    expect(await (await api.get("/docs/errors")).text()).toContain('id="cursor-expired"');
  });

  test("an unexpected failure reveals only a request id", async () => {
    await tables.client.query("alter table og.settlement rename column relay to relay_gone");
    try {
      const { response, body } = await problem("/v1/settlements");
      expect(response.status).toBe(500);
      expect(JSON.stringify(body)).not.toContain("relay");
      expect(api.log.join()).toContain(body.requestId);
      expect(api.log.join()).toContain("relay");
    } finally {
      await tables.client.query("alter table og.settlement rename column relay_gone to relay");
    }
  });
});

describe("payments, channels and operators", () => {
  test("a payment is organic unless its payer is an insider", async () => {
    await history.register("a", T0, { owner: address("owner-a") });
    await history.heartbeat("a", T0 + 10);
    await tables.insert("og", "role", {
      registry: address("registry-one"),
      role: hash(""),
      account: address("chief"),
      granted: true,
      grantedAt: T0,
    });
    await settle(1_000, { relayer: address("settler") });
    await pay(1, {});
    await pay(2, { payer: address("pay-a") });
    await pay(3, { payer: address("owner-a") });
    await pay(4, { payer: address("relayer") });
    await pay(5, { payer: address("settler") });
    await pay(6, { payer: address("chief") });
    await pay(7, { payer: address("facilitator") });
    await pay(8, { payer: address("owner-a"), payee: address("elsewhere") });
    const { items } = await api.json("/v1/payments");
    const organic = Object.fromEntries(
      items.map((item: { blockNumber: number; organic: boolean }) => [item.blockNumber, item.organic]),
    );
    expect(organic).toEqual({ 1: true, 2: false, 3: false, 4: false, 5: false, 6: false, 7: false, 8: true });
    expect(await idsOf(`/v1/payments?payee=${address("elsewhere")}`)).toEqual([hash("pay8")]);
    expect(await idsOf(`/v1/payments?payer=${address("payer")}&token=${OPG}&scheme=upto`)).toEqual([
      hash("pay1"),
    ]);
    expect(await idsOf("/v1/payments?scheme=exact")).toEqual([]);
    expect(await idsOf(`/v1/payments?from=${T0 + 3}&to=${T0 + 5}`)).toEqual([hash("pay4"), hash("pay3")]);
  });

  test("an address belongs to the operator that named it first; organic volume is bounded per payer and day", async () => {
    await history.register("a", T0, { owner: address("owner-a") });
    await history.register("b", T0 + 1, { owner: address("owner-b"), paymentAddress: address("pay-a") });
    await history.register("c", T0 + 2, { owner: address("owner-b"), paymentAddress: COMMON_PAYEE });
    await history.register("d", T0 + 3, { owner: address("owner-a"), paymentAddress: COMMON_PAYEE });
    for (let block = 1; block <= 4; block++) await pay(block);
    await pay(5, { payer: address("second"), amount: String(3n * OPG_UNIT) });
    await pay(6, { payee: COMMON_PAYEE });
    await pay(7, { token: address("other-token") });
    await pay(8, { payer: address("owner-a") });
    await pay(9, { paidAt: T0 + DAY, amount: String(OPG_UNIT / 2n) });
    await tables.setHead("base", 9, T0 + DAY);
    const { items } = await api.json("/v1/operators");
    const [b, a] = items;
    expect(b).toMatchObject({
      address: address("owner-b"),
      revenue: [],
      payers: 0,
      nodes: { total: 2, stale: 2 },
    });
    expect(b.sharedPaymentAddresses.sort()).toEqual([address("pay-a"), COMMON_PAYEE].sort());
    expect(a).toMatchObject({
      address: address("owner-a"),
      payers: 3,
      sharedPaymentAddresses: [COMMON_PAYEE],
    });
    const opg = a.revenue.find((entry: { token: string }) => entry.token === OPG);
    expect(opg).toEqual({
      token: OPG,
      raw: String(6n * OPG_UNIT),
      // payer: 1 the first day, ½ the next; second: 1 of 3; the owner's own: nothing
      organic: String((5n * OPG_UNIT) / 2n),
      payments: 7,
      payers: 3,
      effectivePayers: 1.9231,
    });
    const other = a.revenue.find((entry: { token: string }) => entry.token === address("other-token"));
    expect(other).toMatchObject({ organic: null, raw: String(OPG_UNIT / 2n), effectivePayers: null });
    expect(await api.json(`/v1/operators/${address("owner-a")}`)).toEqual(a);
    expect((await problem(`/v1/operators/${address("nobody")}`)).body.code).toBe("operator-not-found");
    const first = await api.json("/v1/operators?limit=1");
    const second = await api.json(`/v1/operators?limit=1&after=${first.pageInfo.endCursor}`);
    expect([...first.items, ...second.items]).toEqual(items);
    const csv = await (await api.get("/v1/operators?format=csv")).text();
    expect(csv.split("\n")[0]).toContain("nodes.active");
  });

  test("a payer's spending by payee, and how much of it is organic", async () => {
    await history.register("a", T0, { owner: address("owner-a") });
    await history.register("b", T0 + 1, { owner: address("owner-a") });
    await history.register("c", T0 + 2, { owner: address("owner-c") });
    await pay(1, { paidAt: T0 - DAY });
    await pay(2, { amount: String(OPG_UNIT) });
    await pay(3, { payee: address("pay-b"), amount: String(OPG_UNIT) });
    await pay(4, { payee: address("pay-c") });
    await pay(5, { payee: address("elsewhere"), token: address("other-token"), amount: "7" });
    await pay(6, { facilitator: address("payer"), payee: address("pay-c") });
    await pay(7, { payer: address("pay-c") });
    await pay(8, { payer: address("second") });
    await tables.setHead("base", 20, T0 + 20);
    const payer = await api.json(`/v1/payers/${address("payer")}`);
    const halves = (amount: bigint) => String((amount * OPG_UNIT) / 2n);
    const other = address("other-token");
    expect(payer).toMatchObject({
      address: address("payer"),
      firstPaidAt: T0 - DAY,
      lastPaidAt: T0 + 6,
      insider: false,
      payments: 6,
      // To owner-a's two addresses together 1 of 2 on the second day; to owner-c without what it submitted itself.
      spending: expect.arrayContaining([
        { token: OPG, raw: halves(7n), organic: halves(4n), payments: 5 },
        { token: other, raw: "7", organic: null, payments: 1 },
      ]),
      operators: [
        { operator: address("owner-a"), token: OPG, raw: halves(5n), organic: halves(3n), payments: 3 },
        { operator: address("owner-c"), token: OPG, raw: halves(2n), organic: halves(1n), payments: 2 },
        { operator: null, token: other, raw: "7", organic: null, payments: 1 },
      ],
      payeeCount: 4,
      channels: { open: 0, withdrawing: 0, closed: 0 },
    });
    const midnight = T0 - (T0 % DAY);
    expect(payer.payees[0]).toEqual({
      payee: address("pay-a"),
      operator: address("owner-a"),
      token: OPG,
      raw: halves(3n),
      payments: 2,
      firstDayAt: midnight - DAY,
      lastDayAt: midnight,
    });
    const insider = await api.json(`/v1/payers/${address("pay-c")}`);
    expect(insider).toMatchObject({
      insider: true,
      spending: [{ token: OPG, raw: halves(1n), organic: "0", payments: 1 }],
    });
    expect((await problem(`/v1/payers/${address("nobody")}`)).body.code).toBe("payer-not-found");
  });

  test("a payer is as of the requested block, and needs no OpenGradient", async () => {
    await history.register("a", T0, { owner: address("owner-a") });
    for (const block of [1, 2, 3]) await pay(block);
    await pay(4, { payer: address("later") });
    await tables.setHead("base", 2, T0 + 2);
    expect(await api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      lastPaidAt: T0 + 2,
      payments: 2,
      spending: [{ raw: String(OPG_UNIT), organic: String(OPG_UNIT) }],
    });
    expect((await problem(`/v1/payers/${address("later")}`)).body.code).toBe("payer-not-found");
    await tables.setHead("base", 20, T0 + 20);
    await tables.setHead("og", 10_000, HEAD, "not-ready");
    expect(await api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      payments: 3,
      insider: null,
      spending: [{ organic: null, payments: 3 }],
      operators: null,
      payees: [{ payee: address("pay-a"), operator: null, payments: 3 }],
    });
  });

  test("a payer with too many payments has null sums and is still answered", async () => {
    await pay(1);
    await tables.client.query(
      `insert into base.payer_day (chain_id, payee, token, payer, start_at, payments, amount, self_facilitated_amount,
         capped_before)
       select 8453, $1, '0x' || lpad(to_hex(n), 40, '0'), $2, 0, 1, 1, 0, 0 from generate_series(0, ${MAX_PAYEE_DAYS}) n`,
      [address("pay-a"), address("payer")],
    );
    expect(await api.json(`/v1/payers/${address("payer")}`)).toMatchObject({
      firstPaidAt: T0 + 1,
      payments: null,
      spending: null,
      operators: null,
      payees: null,
    });
  });

  test("channels are as of the page's block", async () => {
    const channel = {
      channelId: hash("channel"),
      payer: address("payer"),
      payerAuthorizer: address("pa"),
      receiver: address("pay-a"),
      receiverAuthorizer: address("ra"),
      token: OPG,
      withdrawDelaySeconds: 60,
      salt: hash("salt"),
      balance: "1000",
      totalClaimed: "400",
      refunded: "0",
      withdrawn: "0",
      closed: false,
      createdAt: T0,
      createdBlock: 5,
      createdLogIndex: 1,
      updatedAt: T0 + 20,
    };
    await tables.insert("base", "channel", channel);
    await tables.insert("base", "channel", {
      ...channel,
      channelId: hash("newer"),
      payer: address("p2"),
      createdBlock: 6,
    });
    const event = { sender: address("payer"), txHash: hash("t"), kind: "deposited", balanceAfter: "1000" };
    await tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("channel"),
      blockNumber: 5,
      logIndex: 2,
      timestamp: T0,
    });
    await tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("newer"),
      blockNumber: 6,
      logIndex: 2,
      timestamp: T0 + 1,
    });
    await tables.setHead("base", 10, T0 + 10);
    const first = await api.json("/v1/channels?limit=1");
    await tables.insert("base", "channelEvent", {
      ...event,
      channelId: hash("channel"),
      blockNumber: 20,
      logIndex: 1,
      timestamp: T0 + 20,
      totalClaimedAfter: "400",
      pendingWithdrawalAmountAfter: "600",
      pendingWithdrawalFinalizableAtAfter: T0 + 80,
    });
    await tables.setHead("base", 30, T0 + 30);
    // Nothing in them is OpenGradient's: their cursors go on without it.
    await tables.setHead("og", 1, T0, "not-ready");
    const pinned = await api.json(`/v1/channels?limit=1&after=${first.pageInfo.endCursor}`);
    expect(pinned.items).toMatchObject([
      { channelId: hash("channel"), claimed: "0", state: "open", updatedAt: T0 },
    ]);
    const now = await api.json(`/v1/channels/${hash("channel")}`);
    expect(now).toMatchObject({
      balance: "1000",
      claimed: "400",
      state: "withdrawing",
      pendingWithdrawal: { amount: "600", finalizableAt: T0 + 80 },
    });
    expect((await api.json("/v1/channels?state=withdrawing")).items).toHaveLength(1);
    expect((await api.json(`/v1/channels?payer=${address("p2")}`)).items).toHaveLength(1);
    expect((await api.json("/v1/channels?scheme=exact")).items).toEqual([]);
    expect((await problem(`/v1/channels/${hash("none")}`)).body.code).toBe("channel-not-found");
  });

  test("network totals", async () => {
    await history.register("a", T0, {}, { activeUntil: HEAD + 1 });
    await history.approvePcr(T0);
    await history.heartbeat("a", T0 + 10);
    await history.heartbeat("a", T0 + 20);
    await pay(1);
    await pay(2, { payer: address("second") });
    await tables.insert("og", "networkBucket", {
      startAt: T0,
      individualSettlements: 3,
      claimedLeaves: 9,
    });
    const network = await api.json("/v1/network");
    expect(network).toMatchObject({
      nodes: { total: 1, active: 1 },
      operators: 1,
      heartbeats: 2,
      settlements: { individual: 3, claimedLeaves: 9 },
      payments: 2,
      payers: 2,
      volume: [{ token: OPG, raw: String(OPG_UNIT), organic: String(OPG_UNIT) }],
    });
  });
});

describe("registry records", () => {
  test("PCRs and TEE types, now and at past moments", async () => {
    await history.teeType(0, "LLMProxy", T0 - 10);
    await history.approvePcr(T0);
    await history.revokePcr(T0 + 100);
    await history.approvePcr(T0 + 200, PCR, "v2");
    await history.approvePcr(T0 + 300, hash("legacy"), "old", -1);
    const { items } = await api.json("/v1/pcrs");
    expect(items).toMatchObject([
      { hash: hash("legacy"), teeType: null, version: "old" },
      {
        hash: PCR,
        teeType: { id: 0, name: "LLMProxy" },
        version: "v2",
        approved: true,
        firstApprovedAt: T0,
        approvedAt: T0 + 200,
        revokedAt: null,
        approvals: 2,
        revocations: 1,
      },
    ]);
    const past = await api.json(`/v1/pcrs?at=${T0 + 150}`);
    expect(past.items).toMatchObject([{ version: "v1", approved: false, revokedAt: T0 + 100, approvals: 1 }]);
    expect((await api.json("/v1/pcrs?approved=false")).items).toEqual([]);
    expect((await api.json("/v1/pcrs?teeType=0")).items).toHaveLength(1);
    await history.revokePcr(T0 + 400, PCR, -1, T0 + 500);
    expect((await api.json(`/v1/pcrs?teeType=0&at=${T0 + 499}`)).items).toMatchObject([
      { approved: true, revokedAt: T0 + 500 },
    ]);
    expect((await api.json(`/v1/pcrs?teeType=0&at=${T0 + 500}`)).items).toMatchObject([
      { approved: false, revokedAt: T0 + 500, approvals: 2, revocations: 1 },
    ]);
    const types = await api.json("/v1/tee-types");
    expect(types.items).toMatchObject([
      { id: 0, name: "LLMProxy", nameHex: null, addedAt: T0 - 10, deactivatedAt: null },
    ]);
    expect((await api.json(`/v1/tee-types?at=${T0 - 11}`)).items).toEqual([]);
  });
});

describe("on-chain inferences", () => {
  const completion = (prompt: string, answer: string) =>
    encodeAbiParameters(
      parseAbiParameters("string, (uint8, string, string, uint32, string[], uint32), (string)"),
      ["id-1", [1, "QmModel", prompt, 10, ["stop"], 0], [answer]],
    );
  const infer = async (blockNumber: number, details: Readonly<Record<string, unknown>> = {}) => {
    await tables.block("og", blockNumber, T0 + blockNumber);
    await tables.insert("og", "onchainInference", {
      blockNumber,
      logIndex: 1,
      kind: "completion",
      mode: 1,
      modelCid: "QmModel",
      modelCidHex: utf8Hex("QmModel"),
      inferenceId: "id-1",
      inferenceIdHex: utf8Hex("id-1"),
      caller: address("caller"),
      timestamp: T0 + blockNumber,
      txHash: hash(`infer${blockNumber}`),
      requestData: completion("Say\nhi\u202e", "hi"),
      hub: address("hub"),
      hubEvent: "LLMCompletionResult",
      hubLogIndex: 2,
      hubData: encodeAbiParameters(parseAbiParameters("(string)"), [["hi"]]),
      ...details,
    });
  };

  test("have their content only on request, shortened and sanitised, without ever failing", async () => {
    await infer(1);
    await infer(2, {
      requestData: "0x1234",
      hubData: "0x",
      mode: 9,
      modelCid: "Qm",
      modelCidHex: utf8Hex("Qm\u0000"),
    });
    await infer(3, {
      requestData: completion("x".repeat(10_000), ""),
      hub: null,
      hubEvent: null,
      hubLogIndex: null,
      hubData: null,
    });
    await infer(4, { requestData: `0x${"ff".repeat(600_000)}`, kind: "chat" });
    const plain = await api.json("/v1/onchain-inferences");
    expect(plain.items[3]).toMatchObject({
      mode: "zkml",
      modelCid: "QmModel",
      modelCidHex: null,
      content: null,
      hub: { event: "LLMCompletionResult", logIndex: 2 },
    });
    expect(plain.items[2]).toMatchObject({ mode: null, modelCid: "Qm", modelCidHex: utf8Hex("Qm\u0000") });
    const { items } = await api.json("/v1/onchain-inferences?include=content&limit=100");
    expect(items[3].content).toMatchObject({
      request: { modelCID: "QmModel", prompt: "Say\nhi", max_tokens: 10, stop_sequence: ["stop"] },
      response: { answer: "hi" },
      result: { answer: "hi" },
      shortened: false,
    });
    expect(items[2].content).toEqual({ request: null, response: null, result: null, shortened: false });
    expect(items[1].content).toMatchObject({ shortened: true, result: null });
    expect(items[1].content.request.prompt).toHaveLength(4_096);
    expect(items[0].content.request).toBeNull();
  });

  test("are found by every filter", async () => {
    await infer(1);
    await infer(2, { kind: "chat", mode: 2, modelCid: "QmOther", caller: address("other") });
    expect(await idsOf("/v1/onchain-inferences?mode=tee")).toEqual([hash("infer2")]);
    expect(await idsOf("/v1/onchain-inferences?kind=completion")).toEqual([hash("infer1")]);
    expect(await idsOf("/v1/onchain-inferences?modelCid=QmOther")).toEqual([hash("infer2")]);
    expect(await idsOf(`/v1/onchain-inferences?caller=${address("other")}`)).toEqual([hash("infer2")]);
    expect(await idsOf(`/v1/onchain-inferences?to=${T0 + 2}`)).toEqual([hash("infer1")]);
  });
});

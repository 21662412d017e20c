import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { PCRS, type RegistryRows } from "../../../test/registryRows.ts";
import { DAY, INTERVAL, idOf, SelectNetwork } from "../../../test/selectNetwork.ts";
import { CONSTANTS, SCORE_VERSION } from "../../scoring/index.ts";
import { EXCLUSION_REASONS } from "../../snapshot/candidates.ts";
import { createTestApi, DAILY_CAPS, OPG, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash, utf8Hex } from "../../testing/worlds/chainTables.ts";
import {
  MAX_AGE_SECONDS,
  nodeNamed,
  OTHER_REGISTRY,
  REGISTRY,
} from "../../testing/worlds/registryHistory.ts";

let database: TestDatabase;
let tables: ChainTables;
let world: SelectNetwork;
let rows: RegistryRows;
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
  world = await SelectNetwork.begin(tables);
  rows = world.rows;
  api = createTestApi(database.url);
  return () => api.close();
});

async function network(days = 2): Promise<void> {
  await world.live(days);
  await world.show(api);
}

interface Picked {
  readonly rank: number;
  readonly probability: number;
  readonly node: { readonly teeId: string; readonly score: { readonly value: number } };
}
interface Answer {
  readonly asOf: { readonly og: { readonly blockNumber: number; readonly blockTime: number } };
  readonly seed: string;
  readonly validUntil: number | null;
  readonly nodes: readonly Picked[];
  readonly excluded: readonly { readonly reason: string; readonly count: number }[];
}

const select = (query = ""): Promise<Answer> => api.json(`/v1/select?${query}`);
const namesIn = ({ nodes }: Answer) => nodes.map(({ node }) => world.nameOf(node.teeId));
/** All eligible nodes, in alphabetical order. */
const passing = async (query: string) =>
  namesIn(await select(`count=20&${query}`))
    .sort()
    .join("");
const countsOf = ({ excluded }: Answer) =>
  Object.fromEntries(excluded.map(({ reason, count }) => [reason, count]));

async function refusal(query: string) {
  const response = await api.get(`/v1/select?${query}`);
  // biome-ignore lint/suspicious/noExplicitAny: problems have members of their own
  const body: any = await response.json();
  return { response, body };
}

describe("nodes are selected", () => {
  test("with everything needed to connect, as in the node's detail", async () => {
    await network();
    const answer = await select("count=20");
    expect(answer).toMatchObject({
      asOf: {
        og: { chainId: 10740, blockNumber: rows.block, blockTime: rows.time },
        base: null,
        proofsRevision: null,
        probeRound: null,
      },
      scoreVersion: SCORE_VERSION,
    });
    expect(answer.nodes).toHaveLength(9);
    for (const { node } of answer.nodes) {
      const { metrics: _, ...shown } = await api.json(`/v1/nodes/${node.teeId}`);
      expect(node).toEqual(shown);
    }
    const [a] = (await select(`only=${idOf("a")}`)).nodes;
    expect(a?.node).toMatchObject({
      endpoint: "https://a.example",
      tlsCertificate: utf8Hex("certificate of a"),
      publicKey: nodeNamed("a").publicKey,
      paymentAddress: address("pay-a"),
      pcr: { hash: PCRS[0], approved: true },
      ohttpConfig: { publicKey: hash("hpke"), keyConfig: "0x0102" },
      status: "active",
      score: { gates: [], version: SCORE_VERSION },
    });
  });

  test("weighted by score, the best in the leaderboard's order, or at random", async () => {
    await network();
    const weighted = await select("count=20&seed=x");
    expect(weighted.nodes.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
    const shareOf = (name: string) =>
      weighted.nodes.find(({ node }) => node.teeId === idOf(name))?.probability ?? Number.NaN;
    // Of one operator's nodes, the one that misses rounds is selected less often.
    expect(shareOf("b")).toBeLessThan(0.8 * shareOf("h"));

    const best = await select("count=20&strategy=best");
    const { items } = await api.json("/v1/nodes?sort=score&status=active");
    const scores = items.map(({ score }: { score: { value: number } }) => score.value);
    expect(best.nodes.map(({ node }) => node.score.value)).toEqual(scores);
    expect(new Set(scores).size).toBeGreaterThan(3);
    expect(best.nodes.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(best.nodes.map(({ probability }) => probability)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0]);

    const random = await select("count=20&strategy=random");
    for (const { probability } of random.nodes) expect(probability).toBeCloseTo(1 / 9, 12);
  });

  test("among those that match the filter", async () => {
    await network();
    expect(await passing("")).toBe("abcdefghi");
    expect(await passing(`only=${idOf("a")},${idOf("e")}`)).toBe("ae");
    expect(await passing(`only=${idOf("a").toUpperCase().replace("0X", "0x")}`)).toBe("a");
    expect(await passing(`exclude=${idOf("a")},${idOf("e")}`)).toBe("bcdfghi");
    expect(await passing(`owner=${address("owner-1")}`)).toBe("beh");
    expect(await passing(`owner=${address("owner-1")},${address("owner-2")}`)).toBe("bcefhi");
    expect(await passing(`excludeOwner=${address("owner-0")},${address("owner-2")}`)).toBe("beh");
    expect(await passing(`pcrHash=${PCRS[1]}`)).toBe("i");
    // Both were approved in the first block, the second one later in it.
    expect(await passing("pcr=latest")).toBe("i");
    expect(await passing("ohttp=true")).toBe("abc");
    expect(await passing("ohttp=false")).toBe("abcdefghi");
    expect(await passing("teeType=1")).toBe("");
    expect(await passing(`registry=${REGISTRY}`)).toBe("abcdefghi");
    expect(await passing("registry=all")).toBe("abcdefghi");
    expect(await passing(`registry=${OTHER_REGISTRY}`)).toBe("");

    const { items } = await api.json("/v1/nodes?sort=score");
    const fifth = items[4].score.value;
    const atLeast = items.filter(({ score }: { score: { value: number } }) => score.value >= fifth);
    expect(atLeast.length).toBeLessThan(9);
    expect(await passing(`minScore=${fifth}`)).toBe(
      atLeast
        .map(({ teeId }: { teeId: string }) => world.nameOf(teeId))
        .sort()
        .join(""),
    );
    const uptimes = new Map<string, number>(
      items.map((node: { teeId: string; score: { factors: { name: string; observed: number }[] } }) => [
        world.nameOf(node.teeId),
        node.score.factors.find(({ name }) => name === "uptime")?.observed,
      ]),
    );
    expect(await passing("minUptime=0.9")).toBe(
      [...uptimes]
        .filter(([, uptime]) => uptime >= 0.9)
        .map(([name]) => name)
        .sort()
        .join(""),
    );
    expect(await passing("minUptime=0.9")).not.toBe("abcdefghi");
    // Filters combine.
    expect(await passing(`owner=${address("owner-1")}&only=${idOf("a")},${idOf("e")}&minScore=1`)).toBe("e");
    expect(await passing(`pcr=latest&pcrHash=${PCRS[1]}`)).toBe("i");
    expect(await passing(`pcr=latest&pcrHash=${PCRS[0]}`)).toBe("");

    await rows.nextBlock(1);
    await rows.revokePcr(PCRS[1], -1);
    await world.show(api);
    expect(await passing("pcr=latest")).toBe("abcdefgh");
  });

  test("by the PCR approved last for their type, also for approvals without a type", async () => {
    await network(1);
    await rows.nextBlock(1);
    await rows.approvePcr(PCRS[0], -1);
    await world.show(api);
    expect(await passing("pcr=latest")).toBe("abcdefgh");
    await rows.nextBlock(1);
    await rows.revokePcr(PCRS[0], 0);
    await world.show(api);
    expect(await passing("pcr=latest")).toBe("i");
  });

  const endpointOf = (text: string) => ({ endpoint: text, endpointHex: utf8Hex(text), endpointHost: null });

  test("never at unreachable endpoints, with the reason", async () => {
    await network(1);
    await rows.nextBlock(1);
    const unusable = [
      "javascript:alert(1)",
      "__proto__",
      "",
      "http://node.example",
      "http://169.254.169.254/latest/meta-data",
      "https://169.254.169.254/latest/meta-data",
      "https://127.0.0.1:8443",
      "https://0x7f.1",
      "https://[::1]",
      "https://[::ffff:10.0.0.1]",
      "https://localhost:8443",
      "https://user@node.example",
    ];
    for (const [index, text] of unusable.entries())
      await world.register(`bad-${index}`, "owner-9", endpointOf(text));
    await world.register("bytes", "owner-9", { ...endpointOf("https://"), endpointHex: "0x68ff" });
    // A later observation of the registry counts too.
    const [moved] = rows.nodes;
    if (!moved) throw new Error("nodes are missing");
    const observation = { registry: REGISTRY, blockNumber: rows.block, blockHash: "0x01", pcrHash: PCRS[0] };
    await tables.insert("observations", "nodeRecord", {
      ...observation,
      teeId: moved.teeId,
      owner: moved.owner,
      paymentAddress: address("pay"),
      endpointHex: utf8Hex("https://10.0.0.1"),
      tlsCertificate: "0x01",
    });
    await world.show(api);

    for (const strategy of ["weighted", "best", "random"]) {
      const answer = await select(`count=20&strategy=${strategy}`);
      expect(countsOf(answer)).toEqual({ "unusable-endpoint": unusable.length + 2 });
      expect(namesIn(answer).sort().join("")).toBe("bcdefghi");
    }
    const gatesOf = async (teeId: string) => (await api.json(`/v1/nodes/${teeId}`)).score.gates;
    expect(await gatesOf(idOf("bad-0"))).toEqual([
      {
        reason: "unusable-endpoint",
        detail: "nobody can connect to its endpoint: it is not an https:// URL",
      },
    ]);
    expect(await gatesOf(idOf("bad-2"))).toMatchObject([{ reason: "unusable-endpoint" }]);
    expect(await gatesOf(moved.teeId)).toMatchObject([{ reason: "unusable-endpoint" }]);
    expect(await gatesOf(idOf("b"))).toEqual([]);
  });

  test("in private networks only with PROBE_ALLOW_PRIVATE, which changes the entity tag", async () => {
    await network(1);
    await rows.nextBlock(1);
    await world.register("inside", "owner-9", endpointOf("https://127.0.0.1:8443"));
    await world.register("named", "owner-9", endpointOf("https://localhost:8443"));
    await world.register("plain", "owner-9", endpointOf("http://127.0.0.1"));
    await world.show(api);
    const inside = createTestApi(database.url, undefined, { allowPrivateEndpoints: true });
    try {
      await world.show(inside);
      const path = "/v1/select?count=20&seed=s";
      const [outer, inner] = [await api.get(path), await inside.get(path)];
      const [strict, lenient]: Answer[] = [await outer.json(), await inner.json()];
      expect(strict && countsOf(strict)).toEqual({ "unusable-endpoint": 3 });
      expect(lenient && countsOf(lenient)).toEqual({ "unusable-endpoint": 1 });
      expect(strict && namesIn(strict)).toHaveLength(9);
      expect(lenient && namesIn(lenient)).toHaveLength(11);
      expect(outer.headers.get("etag")).not.toBe(inner.headers.get("etag"));
      const digestOf = async (one: TestApi) => (await one.json("/v1/status")).digest;
      expect(await digestOf(inside)).not.toBe(await digestOf(api));
      // A cursor of one configuration is invalid in the other.
      const { pageInfo } = await api.json("/v1/nodes?sort=score&limit=1");
      expect((await inside.get(`/v1/nodes?sort=score&limit=1&after=${pageInfo.endCursor}`)).status).toBe(410);
    } finally {
      await inside.close();
    }
  });

  test("with an unknown PCR counted apart from those with another PCR", async () => {
    await network(1);
    await rows.nextBlock(1);
    await world.register("unread", "owner-0", { pcrHash: null });
    await world.register("unread-insecure", "owner-0", { pcrHash: null, ...endpointOf("http://a.example") });
    await world.show(api);
    const known = rows.nodes.length - 2;
    for (const query of [`pcrHash=${PCRS[0]}`, "pcr=latest", `pcrHash=${PCRS[0]}&pcr=latest`]) {
      const answer = await select(`count=20&${query}`);
      const counts = countsOf(answer);
      expect(counts).toMatchObject({ "incomplete-record": 2 });
      expect(answer.nodes.length + (counts["other-pcr"] ?? 0)).toBe(known);
    }
    expect(countsOf(await select("count=20"))).not.toHaveProperty("incomplete-record");
  });

  test("and every other node counts under the first reason that excludes it", async () => {
    await network(1);
    const [a, b, c, d, e] = rows.nodes;
    if (!a || !b || !c || !d || !e) throw new Error("nodes are missing");
    await rows.nextBlock(1);
    await world.register("removed", "owner-0");
    await world.register("validator", "owner-0", { teeType: 1 });
    await world.register("bare", "owner-0", { tlsCertificate: null });
    await world.register("silent", "owner-0");
    // Replayed signatures keep a node listed, and prove nothing.
    const replayed = rows.time - 5;
    await rows.nextBlock(MAX_AGE_SECONDS - 20);
    for (const node of rows.nodes) {
      if (node.name === "silent") continue;
      await rows.heartbeat(node, node === c ? replayed : rows.time - 2, "relayer");
    }
    await rows.nextBlock(100);
    await rows.setEnabled(d, false);
    await rows.revokePcr(PCRS[1]);
    await tables.insert("og", "registryEvent", {
      blockNumber: rows.block,
      logIndex: 900,
      registry: REGISTRY,
      kind: "removed",
      timestamp: rows.time,
      teeId: idOf("removed"),
      txHash: hash("tx"),
      sender: address("admin"),
      signature: "TEERemoved(bytes32)",
    });
    await world.show(api);

    const answer = await select(`count=20&exclude=${a.teeId}`);
    expect(countsOf(answer)).toEqual({
      "other-tee-type": 1,
      "in-exclude": 1,
      removed: 1,
      revoked: 1,
      disabled: 1,
      stale: 1,
      "not-proved-alive": 1,
      "incomplete-record": 1,
    });
    expect(namesIn(answer).sort().join("")).toBe("befgh");
    // Filters come first: nodes that do not match are not counted under any reason.
    expect(countsOf(await select(`only=${b.teeId},${c.teeId},${d.teeId}`))).toEqual({
      "other-tee-type": 1,
      "not-in-only": 9,
      disabled: 1,
      "not-proved-alive": 1,
    });
    const narrowed = await select(
      `count=20&owner=${address("owner-0")},${address("owner-1")}&excludeOwner=${address("owner-1")}&pcrHash=${PCRS[0]}&ohttp=true&minScore=100`,
    );
    expect(countsOf(narrowed)).toEqual({
      "other-tee-type": 1,
      "other-owner": 3,
      "excluded-owner": 3,
      "no-ohttp-key": 5,
      "below-min-score": 1,
    });
    expect(countsOf(await select(`count=20&pcrHash=${PCRS[1]}&minUptime=1`))).toMatchObject({
      "other-pcr": 11,
      revoked: 1,
    });
    expect(countsOf(await select("count=20&minUptime=1"))).toMatchObject({ "below-min-uptime": 3 });
    // Reasons are in a fixed order, and every node is either eligible or counted.
    for (const each of [answer, narrowed]) {
      const order = each.excluded.map(({ reason }) => EXCLUSION_REASONS.indexOf(reason as never));
      expect(order).toEqual([...order].sort((one, other) => one - other));
      const left = each.excluded.reduce((sum, { count }) => sum + count, 0);
      expect(left + each.nodes.length).toBe(rows.nodes.length);
    }
  });

  test("or none, with the reasons", async () => {
    await network(1);
    await rows.nextBlock(DAY);
    await world.show(api);
    const answer = await select("count=3");
    expect(answer).toMatchObject({ nodes: [], validUntil: null, excluded: [{ reason: "stale", count: 9 }] });
    // A registry without nodes has no reasons.
    expect(await select(`registry=${OTHER_REGISTRY}`)).toMatchObject({ nodes: [], excluded: [] });
  });

  test("until validUntil, to the second", async () => {
    await network(1);
    const late = rows.nodes[4];
    if (late === undefined) throw new Error("no node");
    await rows.nextBlock(60);
    // Its newest signed second is older than its newest heartbeat by a thousand seconds.
    await rows.heartbeat(late, rows.time - 50, "relayer");
    await rows.nextBlock(950);
    await rows.heartbeat(late, rows.time - 1_000, "relayer");
    await world.show(api);
    const everyone = await select("count=20&strategy=best");
    const one = await select(`only=${late.teeId}`);
    expect(one.validUntil).toBe(late.figures.lastSignedAt + MAX_AGE_SECONDS + 1);
    expect(one.validUntil).toBeLessThan(late.figures.lastHeartbeatAt + MAX_AGE_SECONDS + 1);
    const { validUntil } = everyone;
    if (validUntil === null) throw new Error("nobody was selected");
    await rows.nextBlock(validUntil - 1 - rows.time);
    await world.show(api);
    expect(namesIn(await select("count=20")).sort()).toEqual(namesIn(everyone).sort());
    await rows.nextBlock(1);
    await world.show(api);
    const { nodes, excluded } = await select("count=20");
    expect(nodes.length).toBeLessThan(everyone.nodes.length);
    const out = excluded.reduce((sum, { count }) => sum + count, 0);
    expect(nodes.length + out).toBe(everyone.nodes.length);
  });
});

describe("a seed", () => {
  test("gives the same answer again, also from a process that has just started", async () => {
    await network(1);
    const other = createTestApi(database.url);
    try {
      for (let round = 1; round < 6; round++) {
        await world.beat(round);
        await world.show(api);
      }
      other.now = api.now;
      await other.refresh();
      for (const query of ["count=3", "count=20&strategy=random", `count=5&owner=${address("owner-1")}`]) {
        const drawn = await (await api.get(`/v1/select?${query}`)).text();
        const { seed } = JSON.parse(drawn);
        const again = `/v1/select?${query}&seed=${seed}`;
        expect(await (await api.get(again)).text()).toBe(drawn);
        expect(await (await other.get(again)).text()).toBe(drawn);
        expect((await other.get(again)).headers.get("ETag")).toBe((await api.get(again)).headers.get("ETag"));
      }
    } finally {
      await other.close();
    }
  });

  test("may be any text; a smaller count is a prefix of a larger one", async () => {
    await network(1);
    const seed = encodeURIComponent('né "1" \u202e,&=');
    const long = await select(`count=7&seed=${seed}`);
    expect(long.seed).toBe('né "1" \u202e,&=');
    expect((await select(`count=2&seed=${seed}`)).nodes).toEqual(long.nodes.slice(0, 2));
    const firsts = new Set<string | undefined>();
    for (let draw = 0; draw < 40; draw++) firsts.add(namesIn(await select())[0]);
    expect(firsts.size).toBeGreaterThan(3);
  });

  test("makes an answer cacheable; without one it is not", async () => {
    await network(1);
    const fresh = await api.get("/v1/select?count=3");
    expect(fresh.headers.get("Cache-Control")).toBe("no-store");
    expect(fresh.headers.get("ETag")).toBeNull();

    const path = "/v1/select?count=3&seed=one";
    const kept = await api.get(path);
    expect(kept.headers.get("Cache-Control")).toBe("no-cache");
    const tag = kept.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^W\/"/);
    const unchanged = await api.get(`${path}&maxLag=60`, { "If-None-Match": tag });
    expect(unchanged.status).toBe(304);
    expect(await unchanged.text()).toBe("");
    for (const name of ["ETag", "OG-Block", "OG-Block-Time", "OG-Lag-Seconds", "Vary"])
      expect([name, unchanged.headers.get(name)]).toEqual([name, kept.headers.get(name)]);
    expect(kept.headers.get("OG-Block")).toBe(String(rows.block));
    expect(kept.headers.get("OG-Lag-Seconds")).toBe("3");
    expect(kept.headers.get("Base-Block")).toBeNull();
    for (const other of ["/v1/select?count=3&seed=two", "/v1/select?count=2&seed=one"])
      expect((await api.get(other, { "If-None-Match": tag })).status).toBe(200);
    await rows.nextBlock(5);
    await world.show(api);
    expect((await api.get(path, { "If-None-Match": tag })).status).toBe(200);
  });
});

describe("a ring of ten wallets that pays one operator for thirty days", () => {
  const WALLETS = 10;
  const DAYS = 30;
  const OPG_UNIT = 10n ** 18n;

  /** Each wallet pays `amount` twice a day. */
  async function pay(amount: bigint): Promise<void> {
    const firstDay = rows.time - (rows.time % DAY) - DAYS * DAY;
    const payments = Array.from({ length: 2 * WALLETS * DAYS }, (_, index) => {
      const day = Math.floor(index / (2 * WALLETS));
      return {
        blockNumber: 1_000 + index,
        logIndex: 1,
        scheme: "upto",
        method: "permit2",
        token: OPG,
        payer: address(`wallet-${index % WALLETS}`),
        payee: address("pay-a"),
        amount: String(amount),
        facilitator: address("facilitator"),
        paidAt: firstDay + day * DAY + index,
        txHash: hash(`ring${index}`),
        source: "call",
      };
    });
    await tables.insertMany("base", "payment", payments);
    await tables.sumPayments(DAILY_CAPS);
    await tables.setHead("base", 20_000, rows.time);
  }

  test.each([OPG_UNIT / 10n, 7n * OPG_UNIT])(
    "changes no byte of a selection, and adds at most 300 daily caps of organic volume: %s a payment",
    async (amount) => {
      await network(1);
      await tables.setHead("base", 20_000, rows.time);
      const path = "/v1/select?count=20&seed=ring";
      const before = await (await api.get(path)).text();
      const revenueOf = async () => (await api.json(`/v1/operators/${address("owner-0")}`)).revenue;
      expect(await revenueOf()).toEqual([]);
      await pay(amount);
      const afterwards = createTestApi(database.url);
      afterwards.now = api.now;
      await afterwards.refresh();
      expect(await (await afterwards.get(path)).text()).toBe(before);
      await afterwards.close();
      const spent = BigInt(2 * WALLETS * DAYS) * amount;
      const caps = BigInt(WALLETS * DAYS) * OPG_UNIT;
      expect(await revenueOf()).toEqual([
        {
          token: OPG,
          raw: String(spent),
          organic: String(spent < caps ? spent : caps),
          payments: 2 * WALLETS * DAYS,
          payers: WALLETS,
          effectivePayers: WALLETS,
        },
      ]);
    },
  );
});

describe("freshness", () => {
  test("is bounded by MAX_LAG_SECONDS unless maxLag says otherwise, before anything is compared", async () => {
    await network(1);
    const path = "/v1/select?count=3&seed=one";
    const tag = (await api.get(path)).headers.get("ETag") ?? "";
    const lag = async (seconds: number, query: string) => {
      api.now = rows.time + seconds;
      return api.get(`${path}${query}`, { "If-None-Match": tag });
    };
    expect((await lag(120, "")).status).toBe(304);
    expect((await lag(120, "&maxLag=119")).status).toBe(503);
    expect((await lag(121, "&maxLag=121")).status).toBe(304);
    const stale = await lag(121, "");
    expect(stale.status).toBe(503);
    expect(stale.headers.get("Cache-Control")).toBe("no-store");
    expect(stale.headers.get("Retry-After")).toBe("5");
    expect(stale.headers.get("OG-Lag-Seconds")).toBe("121");
    expect(await stale.json()).toMatchObject({ code: "stale", chain: "og", lagSeconds: 121, maxLag: 120 });

    const generous = createTestApi(database.url, undefined, { maxLagSeconds: 10 });
    generous.now = rows.time + 11;
    await generous.refresh();
    expect((await generous.get("/v1/select")).status).toBe(503);
    await generous.close();
  });

  test("before the first block there is no answer; during recovery the last snapshot is used", async () => {
    const refused = await api.get("/v1/select");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("Cache-Control")).toBe("no-store");
    expect(await refused.json()).toMatchObject({ code: "indexing" });
    await network(1);
    const { seed, nodes } = await select("count=3");
    await tables.setHead("og", rows.block - 2, rows.time - 2 * INTERVAL, "not-ready");
    await api.refresh();
    expect((await select(`count=3&seed=${seed}`)).nodes).toEqual(nodes);
    expect((await api.get("/v1/nodes")).status).toBe(503);
  });
});

describe("an invalid request", () => {
  test.each([
    ["count=0", "count"],
    ["count=21", "count"],
    ["count=x", "count"],
    ["teeType=256", "teeType"],
    ["strategy=fastest", "strategy"],
    ["seed=", "seed"],
    ["only=0x12", "only"],
    [`only=${idOf("a")},`, "only"],
    [`exclude=${Array.from({ length: 101 }, (_, index) => hash(String(index))).join(",")}`, "exclude"],
    ["owner=0x12", "owner"],
    ["excludeOwner=me", "excludeOwner"],
    ["pcrHash=0x12", "pcrHash"],
    ["pcr=newest", "pcr"],
    ["ohttp=yes", "ohttp"],
    ["minScore=101", "minScore"],
    ["minScore=-1", "minScore"],
    ["minUptime=1.5", "minUptime"],
    ["minUptime=0.12345678", "minUptime"],
    ["maxLag=-1", "maxLag"],
    ["registry=0x12", "registry"],
    [`registry=${address("unknown")}`, "registry"],
    ["count=1&count=2", "count"],
    ["unknown=1", "unknown"],
  ])("%.80s is refused by name, also while there is nothing to select from", async (query, parameter) => {
    const { response, body } = await refusal(query);
    expect([response.status, body.code]).toEqual([400, "invalid-parameter"]);
    expect(body).toMatchObject({ parameter, rule: expect.any(String) });
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  });

  test("names the allowed values in its rule", async () => {
    expect((await refusal("pcr=newest")).body.rule).toBe("latest");
    expect((await refusal("strategy=fastest")).body.rule).toBe("one of weighted, best, random");
  });
});

describe("the leaderboard", () => {
  /** The pages of a list, with changes between them. */
  async function walk(path: string, between: () => Promise<void>): Promise<string[]> {
    const names: string[] = [];
    let after = "";
    for (;;) {
      const { items, pageInfo } = await api.json(`${path}${after}`);
      names.push(...items.map(({ teeId }: { teeId: string }) => world.nameOf(teeId)));
      if (!pageInfo.hasNextPage) return names;
      after = `&after=${pageInfo.endCursor}`;
      await between();
    }
  }

  const order = async (query = "") =>
    (await api.json(`/v1/nodes?sort=score${query}`)).items.map(({ teeId }: { teeId: string }) =>
      world.nameOf(teeId),
    );

  /** The first third goes silent, so that ranks change. */
  async function upset(intervals: number): Promise<void> {
    for (let round = 0; round < intervals; round++) {
      await rows.nextBlock(INTERVAL);
      for (const node of rows.nodes.slice(3)) await rows.heartbeat(node, rows.time - 5, "relayer");
      await rows.showHead();
      await api.refresh();
    }
  }

  test.each([
    ["a snapshot that is still at hand", 2],
    ["one that has to be computed again", 12],
  ])("keeps its order under paging while scores move: %s", async (_, intervals) => {
    await network(1);
    const before = await order();
    const at = rows.time;
    const scores = async (query: string) =>
      (await api.json(`/v1/nodes?sort=score${query}`)).items.map(
        ({ score }: { score: { value: number } }) => score,
      );
    const scoresBefore = await scores("");
    const walked = await walk("/v1/nodes?sort=score&limit=2", () => upset(intervals));
    expect(walked).toEqual(before);
    expect(await order()).not.toEqual(before);
    // The same moment requested by its second, in pages and at once.
    expect(await order(`&at=${at}`)).toEqual(before);
    expect(await scores(`&at=${at}`)).toEqual(scoresBefore);
    expect(await walk(`/v1/nodes?sort=score&limit=4&at=${at}`, () => upset(1))).toEqual(before);
  });

  test("is ordered by score, then by registration, newest first, within filters", async () => {
    await network(1);
    await rows.nextBlock(1);
    await world.register("j", "owner-0");
    await world.register("k", "owner-0");
    await world.show(api);
    const { items } = await api.json("/v1/nodes?sort=score");
    const scores = items.map(({ score }: { score: { value: number } }) => score.value);
    expect(scores).toEqual([...scores].sort((one, other) => other - one));
    const names = items.map(({ teeId }: { teeId: string }) => world.nameOf(teeId));
    expect(names.indexOf("k")).toBe(names.indexOf("j") - 1);
    expect(names).toHaveLength(11);
    const within = (query: string, names: string) =>
      order(query).then((found) => expect([query, found.sort().join("")]).toEqual([query, names]));
    await within(`&owner=${address("owner-1")}`, "beh");
    await within(`&paymentAddress=${address("pay-k")}`, "k");
    await within(`&pcrHash=${PCRS[1]}`, "i");
    await within("&teeType=1", "");
    await within("&status=active&registry=all", "abcdefghijk");
  });
});

describe("a node's score", () => {
  test("is as of the requested moment, with the failed gates", async () => {
    await network(1);
    const [node] = rows.nodes;
    if (node === undefined) throw new Error("no node");
    const at = rows.time;
    const before = (await api.json(`/v1/nodes/${node.teeId}`)).score;
    expect(before).toMatchObject({ version: SCORE_VERSION, gates: [] });
    for (let round = 0; round < 8; round++) {
      await rows.nextBlock(INTERVAL);
      for (const other of rows.nodes.slice(1)) await rows.heartbeat(other, rows.time, "relayer");
    }
    await world.show(api);
    const after = (await api.json(`/v1/nodes/${node.teeId}`)).score;
    expect(after.value).toBeLessThan(before.value);
    expect(after.gates.map(({ reason }: { reason: string }) => reason)).toEqual([
      "stale",
      "not-proved-alive",
    ]);
    expect((await api.json(`/v1/nodes/${node.teeId}?at=${at}`)).score).toEqual(before);
    const { items } = await api.json(`/v1/nodes?at=${at}`);
    expect(items.find(({ teeId }: { teeId: string }) => teeId === node.teeId).score).toEqual(before);
  });
});

describe("/v1/scoring", () => {
  test("publishes version, weights and every constant with its unit and reason", async () => {
    const scoring = await api.json("/v1/scoring");
    expect(scoring).toEqual({
      version: SCORE_VERSION,
      weights: { uptime: 0.45, reachability: 0.35, latency: 0.2 },
      constants: CONSTANTS,
    });
    for (const { reason, unit } of Object.values(CONSTANTS))
      expect(reason.length * unit.length).toBeGreaterThan(0);
  });

  test("is the same until the software changes", async () => {
    const first = await api.get("/v1/scoring");
    const tag = first.headers.get("ETag") ?? "";
    expect(first.headers.get("Cache-Control")).toBe("public, max-age=60");
    const second = await api.get("/v1/scoring", { "If-None-Match": tag });
    expect([second.status, second.headers.get("ETag")]).toEqual([304, tag]);
    expect((await api.get("/v1/scoring?version=2")).status).toBe(400);
  });
});

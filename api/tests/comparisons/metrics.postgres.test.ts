/** Compares metrics, series, payers and the network's demand with a recount of a random month's raw events. */
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { seededRandom } from "../../../test/simulator/random.ts";
import { readSettlementLatencies } from "../../queries/metrics/settlementLatency.ts";
import { readNodeRevenues } from "../../queries/payments/nodeRevenue.ts";
import { createReader, type Reader } from "../../queries/reading/database.ts";
import { networkSchema } from "../../rest/network.routes.ts";
import { operatorDetailSchema } from "../../rest/operators.routes.ts";
import { CountedMetrics, evenness, inRange, percentile } from "../../testing/comparisons/countedMetrics.ts";
import { createTestApi, DAILY_CAPS, OPG, type TestApi } from "../../testing/testApi.ts";
import { BASE_CHAIN_ID, ChainTables, OG_CHAIN_ID } from "../../testing/worlds/chainTables.ts";
import {
  BASE_HEAD,
  HEAD,
  type HistoryNode,
  RELAYER,
  randomHistory,
  T0,
} from "../../testing/worlds/metricsHistory.ts";
import { OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";
import { inferenceSettledAt, writeHistory } from "../../testing/worlds/writeMetricsHistory.ts";

const HOUR = 3_600;
const DAY = 86_400;
const WINDOWS = { "1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY, all: Number.POSITIVE_INFINITY };

const random = seededRandom(20_261_121);
const history = randomHistory(random);
const truth = new CountedMetrics(history);

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;
let reader: Reader;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await writeHistory(tables, history);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  reader = createReader({ urls: [database.url], onConnectionError: () => {} });
}, 120_000);
afterAll(async () => {
  await reader.close();
  await api.close();
  await tables.close();
  await database.drop();
});

const upTo = (now: number, seconds: number) => ({ from: Math.max(0, now + 1 - seconds), to: now + 1 });
const nodeNamed = (name: string): HistoryNode => {
  const node = history.nodes.find((one) => one.name === name);
  if (node === undefined) throw new Error(`no node ${name}`);
  return node;
};
const meanOf = (values: readonly number[]): number | null =>
  values.length === 0
    ? null
    : Math.round((1_000 * values.reduce((sum, value) => sum + value, 0)) / values.length) / 1_000;

type Tokens = "promptTokens" | "completionTokens";

/** By signed second, of the inferences settled by then. */
const inferred = (node: HistoryNode, seconds: number, now: number) =>
  history.inferences.filter(
    (one, index) =>
      one.node === node &&
      inRange(upTo(now, seconds), one.signedAt) &&
      inferenceSettledAt(index, one.signedAt) <= now,
  );
const tokensOf = (inferences: readonly { readonly [name in Tokens]: number | null }[], name: Tokens) => {
  const told = inferences.flatMap((one) => one[name] ?? []);
  if (inferences.length === 0) return 0;
  return told.length === 0 ? null : told.reduce((sum, tokens) => sum + tokens, 0);
};

describe("a node's metrics", () => {
  /** @param now - OpenGradient's newest block time. */
  function metricsOf(node: HistoryNode, seconds: number, now: number) {
    const base = Math.min(now, BASE_HEAD);
    const range = upTo(now, seconds);
    const beats = truth.heartbeats(node, range, now);
    const settled = node.registry === REGISTRY ? truth.settlements(node, range, now) : null;
    const latencies = settled?.map(({ settledAt, signedAt }) => settledAt - signedAt) ?? [];
    const paid = truth.payments(upTo(base, seconds), base, node.paymentAddress);
    const own = truth.ownsAddress(node, now);
    return {
      uptime: truth.uptime(node, { ...range, from: Math.max(0, now - seconds) }, now),
      heartbeats: beats.length,
      repeatedHeartbeats: beats.filter(({ repeated }) => repeated).length,
      missedHeartbeats: truth.missed(node, range, now),
      heartbeatLatenessMeanSeconds: meanOf(beats.map(({ receivedAt, signedAt }) => receivedAt - signedAt)),
      inferences: settled === null ? null : inferred(node, seconds, now).length,
      promptTokens: settled === null ? null : tokensOf(inferred(node, seconds, now), "promptTokens"),
      completionTokens: settled === null ? null : tokensOf(inferred(node, seconds, now), "completionTokens"),
      settlements: settled?.length ?? null,
      payers: own ? new Set(paid.map(({ payer }) => payer)).size : null,
      revenue: own ? truth.volumes(paid, now, (payee) => payee) : null,
      settlementLatencyP50Seconds: percentile(latencies, 50),
      settlementLatencyP95Seconds: percentile(latencies, 95),
    };
  }

  const moments = [HEAD, BASE_HEAD - 1, ...[1, 2, 3].map(() => Math.floor(T0 + 2_000 + random() * 34 * DAY))];
  test.each(moments)("in every window at %i", async (now) => {
    const at = now === HEAD ? "" : `&at=${now}`;
    const { items } = await api.json(`/v1/nodes?registry=all&include=metrics&limit=50${at}`);
    const known = history.nodes.filter(({ registeredAt }) => registeredAt <= now);
    expect(items).toHaveLength(known.length);
    for (const item of items) {
      const node = known.find(({ teeId, registry }) => teeId === item.teeId && registry === item.registry);
      if (node === undefined) throw new Error(`unknown node ${item.teeId}`);
      for (const [name, seconds] of Object.entries(WINDOWS))
        expect({ node: node.name, name, ...item.metrics[name] }).toMatchObject({
          node: node.name,
          name,
          ...metricsOf(node, seconds, now),
        });
    }
  });
});

describe("metrics of several nodes", () => {
  /** The sum of the nodes' own metrics, which are checked above. */
  async function expected(nodes: readonly HistoryNode[]) {
    const mine = await Promise.all(
      nodes.map(({ teeId, registry }) => api.json(`/v1/nodes/${teeId}?registry=${registry}`)),
    );
    return Object.fromEntries(
      Object.entries(WINDOWS).map(([window, seconds]) => {
        const metrics = mine.map((node) => node.metrics[window]);
        const known = (name: string): number[] =>
          metrics.map((one) => one[name]).filter((value: unknown) => typeof value === "number");
        const sum = (name: string) =>
          known(name).length === 0 ? null : known(name).reduce((total, value) => total + value, 0);
        const range = upTo(HEAD, seconds);
        const current = nodes.filter(({ registry }) => registry === REGISTRY);
        const beats = nodes.flatMap((node) => truth.heartbeats(node, range, HEAD));
        const latencies = current
          .flatMap((node) => truth.settlements(node, range, HEAD))
          .map(({ settledAt, signedAt }) => settledAt - signedAt);
        const inferences = current.flatMap((node) => inferred(node, seconds, HEAD));
        const uptimes = known("uptime");
        return [
          window,
          {
            uptime: uptimes.length === 0 ? null : expect.closeTo((sum("uptime") ?? 0) / uptimes.length, 5),
            heartbeats: sum("heartbeats"),
            repeatedHeartbeats: sum("repeatedHeartbeats"),
            missedHeartbeats: sum("missedHeartbeats"),
            // Computed from means rounded to a thousandth.
            heartbeatLatenessMeanSeconds:
              beats.length === 0
                ? null
                : expect.closeTo(meanOf(beats.map((one) => one.receivedAt - one.signedAt)) ?? 0, 2),
            inferences: current.length === 0 ? null : inferences.length,
            promptTokens: current.length === 0 ? null : tokensOf(inferences, "promptTokens"),
            completionTokens: current.length === 0 ? null : tokensOf(inferences, "completionTokens"),
            settlements: sum("settlements"),
            settlementLatencyP50Seconds: percentile(latencies, 50),
            settlementLatencyP95Seconds: percentile(latencies, 95),
            proofAvailability: null,
          },
        ];
      }),
    );
  }

  test.each([REGISTRY, OTHER_REGISTRY, "all"])("of the network, registry %s", async (registry) => {
    const nodes = history.nodes.filter((node) => registry === "all" || node.registry === registry);
    const network = await api.json(`/v1/network?registry=${registry}&include=metrics`);
    expect(() => networkSchema.parse(network)).not.toThrow();
    expect(network.metrics).toEqual(await expected(nodes));
    expect(network).toMatchObject({
      inferences: history.inferences.length,
      promptTokens: tokensOf(history.inferences, "promptTokens"),
    });
    expect(await api.json(`/v1/network?registry=${registry}`)).not.toHaveProperty("metrics");
  });

  test("of an operator", async () => {
    for (const owner of new Set(history.nodes.map((node) => node.owner))) {
      const nodes = history.nodes.filter((node) => node.owner === owner && node.registry === REGISTRY);
      if (nodes.length === 0) continue;
      const operator = await api.json(`/v1/operators/${owner}?include=metrics`);
      expect(() => operatorDetailSchema.parse(operator)).not.toThrow();
      expect([owner, operator.metrics]).toEqual([owner, await expected(nodes)]);
      expect(await api.json(`/v1/operators/${owner}`)).not.toHaveProperty("metrics");
    }
  });

  test("a relayer's heartbeats of a day", async () => {
    const day = history.heartbeats.filter(({ receivedAt }) => receivedAt > HEAD - DAY);
    const { heartbeats } = await api.json(`/v1/relayers/${RELAYER}`);
    const lateness = day.map(({ receivedAt, signedAt }) => receivedAt - signedAt);
    expect(heartbeats).toEqual({
      sent: day.length,
      repeated: day.filter(({ repeated }) => repeated).length,
      lateness: {
        p50Seconds: percentile(lateness, 50),
        p95Seconds: percentile(lateness, 95),
        samples: day.length,
      },
    });
    expect(day.length).toBeGreaterThan(10);
  });
});

const momentOf = (chain: "og" | "base") => ({
  chainId: chain === "og" ? OG_CHAIN_ID : BASE_CHAIN_ID,
  blockNumber: Number.MAX_SAFE_INTEGER,
  time: chain === "og" ? HEAD : BASE_HEAD,
});
const wantedNode = ({ registry, teeId }: HistoryNode) =>
  sql`wanted (chain_id, registry, tee_id, place) as (values (${OG_CHAIN_ID}::int, ${registry}, ${teeId}, 0))`;

describe("bounded reading", () => {
  test("percentiles over too many settlements sample equal parts of the blocks", async () => {
    const node = nodeNamed("a");
    const settled = truth.settlements(node, { from: 0, to: HEAD + 1 }, HEAD);
    const samples = 40;
    const found = await reader.read((transaction) =>
      readSettlementLatencies(
        transaction,
        momentOf("og"),
        wantedNode(node),
        [{ name: "all", from: null, to: HEAD + 1 }],
        samples,
      ),
    );
    const [first, last] = [settled[0]?.settledAt ?? 0, settled.at(-1)?.settledAt ?? 0];
    // Blocks are 5 s apart: the first part begins a block before the first settlement.
    const blockOf = (at: number) => (at - first) / 5 + 1;
    const cut = (slice: number) => Math.floor((blockOf(last) * slice) / samples);
    const weighted = Array.from({ length: samples }, (_, slice) => {
      const part = settled.filter(
        ({ settledAt }) => blockOf(settledAt) > cut(slice) && blockOf(settledAt) <= cut(slice + 1),
      );
      const stands = part.at(-1);
      return part.map(() => (stands === undefined ? 0 : stands.settledAt - stands.signedAt));
    }).flat();
    expect(weighted).toHaveLength(settled.length);
    expect(found.get("0 all")).toEqual({
      p50Seconds: percentile(weighted, 50),
      p95Seconds: percentile(weighted, 95),
    });
    const exact = settled.map(({ settledAt, signedAt }) => settledAt - signedAt);
    expect(found.get("0 all")).not.toEqual({
      p50Seconds: percentile(exact, 50),
      p95Seconds: percentile(exact, 95),
    });
  });

  test("with too many payers in a window, revenue keeps its raw sum and has no organic one; all time has no bound", async () => {
    const node = nodeNamed("a");
    const spans = [
      { name: "all", from: null, to: BASE_HEAD + 1 },
      { name: "week", from: BASE_HEAD - 7 * DAY + 1_234, to: BASE_HEAD + 1 },
      { name: "hour", from: BASE_HEAD - HOUR, to: BASE_HEAD + 1 },
    ];
    const found = await reader.read((transaction) =>
      readNodeRevenues(
        transaction,
        momentOf("og"),
        momentOf("base"),
        DAILY_CAPS,
        wantedNode(node),
        spans,
        10,
      ),
    );
    for (const { name, from, to } of spans) {
      const paid = truth.payments({ from: from ?? 0, to }, BASE_HEAD, node.paymentAddress);
      const volumes = truth.volumes(paid, HEAD, (payee) => payee);
      const payers = new Set(paid.map(({ payer }) => payer)).size;
      expect([name, found.get(`0 ${name}`)]).toEqual([
        name,
        name !== "week"
          ? { payers, revenue: volumes }
          : {
              payers: null,
              revenue: volumes.map(({ token, raw }) => ({
                token,
                raw,
                organic: null,
                effectivePayers: null,
              })),
            },
      ]);
    }
  });
});

type Interval = "hour" | "day";
const WIDTH: Readonly<Record<Interval, number>> = { hour: HOUR, day: DAY };

/** The buckets that overlap a range and have started. */
function bucketsOf(interval: Interval, from: number, to: number, now: number) {
  const width = WIDTH[interval];
  const buckets: { from: number; to: number }[] = [];
  for (let start = from - (from % width); start < to && start <= now; start += width)
    buckets.push({ from: start, to: start + width });
  return buckets;
}

interface Asked {
  readonly interval: Interval;
  readonly from: number;
  readonly to: number;
}

const asked = (): Asked => {
  const interval = random() < 0.5 ? "hour" : "day";
  const reach = interval === "hour" ? 4 * DAY : 40 * DAY;
  const from = Math.floor(T0 - 2 * DAY + random() * 36 * DAY);
  return { interval, from, to: Math.floor(from + 1 + random() * reach) };
};
const ASKED: readonly Asked[] = [
  { interval: "day", from: T0 - 2 * DAY, to: HEAD + 9 * DAY },
  { interval: "hour", from: HEAD - 2 * DAY, to: HEAD + 1 },
  asked(),
  asked(),
  asked(),
];

describe("series of a node", () => {
  const itemsOf = async (node: HistoryNode, metric: string, { interval, from, to }: Asked) => {
    const { items } = await api.json(
      `/v1/nodes/${node.teeId}/series?registry=${node.registry}&metric=${metric}&interval=${interval}&from=${from}&to=${to}`,
    );
    return items;
  };

  const sumOf = (
    node: HistoryNode,
    range: { from: number; to: number },
    name: "promptTokens" | "completionTokens",
  ) => {
    const mine = history.inferences.filter((one) => one.node === node && inRange(range, one.signedAt));
    const told = mine.flatMap((one) => one[name] ?? []);
    if (mine.length === 0) return 0;
    return told.length === 0 ? null : told.reduce((sum, tokens) => sum + tokens, 0);
  };
  const latencies = (node: HistoryNode, range: { from: number; to: number }) =>
    truth.settlements(node, range, HEAD).map(({ settledAt, signedAt }) => settledAt - signedAt);
  const beats = (node: HistoryNode, range: { from: number; to: number }) =>
    truth.heartbeats(node, range, HEAD);

  const TRUE: Readonly<
    Record<string, (node: HistoryNode, range: { from: number; to: number }) => number | null>
  > = {
    uptime: (node, range) => truth.uptime(node, range, HEAD),
    heartbeats: (node, range) => beats(node, range).length,
    repeatedHeartbeats: (node, range) => beats(node, range).filter(({ repeated }) => repeated).length,
    missedHeartbeats: (node, range) =>
      truth.missed(node, { ...range, to: Math.min(range.to, HEAD + 1) }, HEAD),
    heartbeatLatenessMeanSeconds: (node, range) =>
      meanOf(beats(node, range).map(({ receivedAt, signedAt }) => receivedAt - signedAt)),
    settlements: (node, range) => truth.settlements(node, range, HEAD).length,
    settlementLatencyP50Seconds: (node, range) => percentile(latencies(node, range), 50),
    settlementLatencyP95Seconds: (node, range) => percentile(latencies(node, range), 95),
    inferences: (node, range) =>
      history.inferences.filter((one) => one.node === node && inRange(range, one.signedAt)).length,
    promptTokens: (node, range) => sumOf(node, range, "promptTokens"),
    completionTokens: (node, range) => sumOf(node, range, "completionTokens"),
  };
  const OF_ONE_REGISTRY = /settlement|inferences|Tokens/;

  test.each(Object.entries(TRUE))("%s, null before its registration", async (metric, trueValue) => {
    for (const name of ["a", "b", "f", "g", "h"])
      for (const question of ASKED) {
        const node = nodeNamed(name);
        const { interval, from, to } = question;
        const unknown = OF_ONE_REGISTRY.test(metric) && node.registry === OTHER_REGISTRY;
        expect([name, question, await itemsOf(node, metric, question)]).toEqual([
          name,
          question,
          bucketsOf(interval, from, to, HEAD).map((bucket) => ({
            startAt: bucket.from,
            complete: bucket.to <= HEAD,
            value: unknown || bucket.to <= node.registeredAt ? null : trueValue(node, bucket),
            tokens: null,
          })),
        ]);
      }
  });

  test.each(["payments", "payers", "revenue"])(
    "%s, null for a shared address and before Base is known",
    async (metric) => {
      const knownSince = history.payments[0]?.paidAt ?? 0;
      for (const name of ["a", "c", "e", "f"])
        for (const question of ASKED) {
          const node = nodeNamed(name);
          const { interval, from, to } = question;
          const expected = bucketsOf(interval, from, to, BASE_HEAD).map((bucket) => {
            const paid = truth.payments(bucket, BASE_HEAD, node.paymentAddress);
            const known = truth.ownsAddress(node, HEAD) && bucket.to > knownSince;
            const value = metric === "payments" ? paid.length : new Set(paid.map(({ payer }) => payer)).size;
            return {
              startAt: bucket.from,
              complete: bucket.to <= BASE_HEAD,
              value: known && metric !== "revenue" ? value : null,
              tokens:
                known && metric === "revenue"
                  ? volumesIn(bucket, node.paymentAddress, (payee) => payee)
                  : null,
            };
          });
          expect([name, question, await itemsOf(node, metric, question)]).toEqual([name, question, expected]);
        }
    },
  );
});

/** A bucket's volumes: its organic part is what it added to its day's. */
function volumesIn(
  bucket: { from: number; to: number },
  payee: string | null,
  groupOf: (payee: string) => string,
) {
  const volumes = truth.volumes(truth.payments(bucket, BASE_HEAD, payee), HEAD, groupOf);
  const midnight = bucket.from - (bucket.from % DAY);
  const payers = [...new Set(history.payments.map(({ payer }) => payer))];
  const organicBefore = (to: number, payer: string) => {
    const paid = truth.payments({ from: midnight, to }, BASE_HEAD, payee);
    const mine = paid.filter((payment) => payment.payer === payer && payment.token === OPG);
    return BigInt(truth.volumes(mine, HEAD, groupOf)[0]?.organic ?? "0");
  };
  return volumes.map((volume) =>
    volume.token === OPG
      ? {
          ...volume,
          ...evenness(
            payers.map((payer) => organicBefore(bucket.to, payer) - organicBefore(bucket.from, payer)),
          ),
        }
      : volume,
  );
}

describe("series of the network", () => {
  const itemsOf = async (metric: string, { interval, from, to }: Asked, registry: string = REGISTRY) => {
    const { items } = await api.json(
      `/v1/network/series?registry=${registry}&metric=${metric}&interval=${interval}&from=${from}&to=${to}`,
    );
    return items;
  };
  const knownSince = Math.min(T0 - 500, history.payments[0]?.paidAt ?? 0);
  const times = (all: readonly number[], range: { from: number; to: number }) =>
    all.filter((at) => inRange(range, at)).length;
  const inferred = (range: { from: number; to: number }) =>
    history.inferences.filter((one) => inRange(range, one.signedAt));
  const settledAs = (kind: string, range: { from: number; to: number }) =>
    history.settlements.filter((one) => one.kind === kind && inRange(range, one.settledAt)).length;
  const latencies = (range: { from: number; to: number }) =>
    history.settlements
      .filter((one) => one.kind === "individual" && inRange(range, one.settledAt))
      .map(({ settledAt, signedAt }) => settledAt - signedAt);
  const nodesOf = (registry: string) =>
    history.nodes.filter((node) => registry === "all" || node.registry === registry);

  const TRUE: Readonly<
    Record<string, (range: { from: number; to: number }, registry: string) => number | null>
  > = {
    heartbeats: (range, registry) =>
      nodesOf(registry).reduce((sum, node) => sum + truth.heartbeats(node, range, HEAD).length, 0),
    activeNodes: ({ to }, registry) =>
      nodesOf(registry).filter((node) => truth.activeAt(node, Math.min(HEAD, to - 1))).length,
    uptime: (range, registry) => {
      let [active, existing] = [0, 0];
      for (const node of nodesOf(registry)) {
        const from = Math.max(range.from, node.registeredAt);
        const to = Math.min(range.to, HEAD, node.removedAt ?? HEAD);
        if (to <= from) continue;
        existing += to - from;
        for (let at = from; at < to; at++) active += Number(truth.activeAt(node, at));
      }
      return existing === 0 ? null : Math.round((1e6 * active) / existing) / 1e6;
    },
    settlementLatencyP50Seconds: (range) => percentile(latencies(range), 50),
    settlementLatencyP95Seconds: (range) => percentile(latencies(range), 95),
    registrations: (range, registry) =>
      times(
        nodesOf(registry).map(({ registeredAt }) => registeredAt),
        range,
      ),
    individualSettlements: (range) => settledAs("individual", range),
    batchSettlements: (range) => settledAs("batch", range),
    legacySettlements: () => 0,
    claimedLeaves: (range) => 7 * settledAs("batch", range),
    onchainInferences: (range) => times(history.onchainInferences, range),
    inferences: (range) => inferred(range).length,
    promptTokens: (range) => {
      const told = inferred(range).flatMap(({ promptTokens }) => promptTokens ?? []);
      if (inferred(range).length === 0) return 0;
      return told.length === 0 ? null : told.reduce((sum, tokens) => sum + tokens, 0);
    },
  };

  test.each(Object.entries(TRUE))("%s, of one registry or all", async (metric, trueValue) => {
    for (const registry of [REGISTRY, OTHER_REGISTRY, "all"])
      for (const question of ASKED) {
        const { interval, from, to } = question;
        expect([registry, question, await itemsOf(metric, question, registry)]).toEqual([
          registry,
          question,
          bucketsOf(interval, from, to, HEAD).map((bucket) => ({
            startAt: bucket.from,
            complete: bucket.to <= HEAD,
            value: bucket.to <= T0 - 500 ? null : trueValue(bucket, registry),
            tokens: null,
          })),
        ]);
      }
  });

  test("active nodes are those that the list shows at that second", async () => {
    const items = await itemsOf("activeNodes", { interval: "day", from: T0 + DAY, to: HEAD + 1 });
    for (const { startAt, value } of items.slice(-4)) {
      const at = Math.min(HEAD, startAt + DAY - 1);
      const { items: active } = await api.json(`/v1/nodes?status=active&at=${at}`);
      expect(active).toHaveLength(value);
    }
  });

  test.each(["payments", "payers", "volume"])("%s", async (metric) => {
    const known = history.payments[0]?.paidAt ?? 0;
    const groupOf = (payee: string) => truth.operatorOf(payee, HEAD);
    for (const question of ASKED) {
      const { interval, from, to } = question;
      const expected = bucketsOf(interval, from, to, BASE_HEAD).map((bucket) => {
        const paid = truth.payments(bucket, BASE_HEAD, null);
        const value = metric === "payments" ? paid.length : new Set(paid.map(({ payer }) => payer)).size;
        return {
          startAt: bucket.from,
          complete: bucket.to <= BASE_HEAD,
          value: bucket.to > known && metric !== "volume" ? value : null,
          tokens: bucket.to > known && metric === "volume" ? volumesIn(bucket, null, groupOf) : null,
        };
      });
      expect([question, await itemsOf(metric, question)]).toEqual([question, expected]);
    }
  });

  test("a whole day is the sum of its hours, organic volume included", async () => {
    const day = T0 + 20 * DAY - (T0 % DAY);
    const [whole] = await itemsOf("volume", { interval: "day", from: day, to: day + DAY });
    const hours = await itemsOf("volume", { interval: "hour", from: day, to: day + DAY });
    const summed = hours
      .flatMap(({ tokens: volumes }: { tokens: { token: string; organic: string | null }[] }) => volumes)
      .filter(({ token }: { token: string }) => token === OPG)
      .reduce((sum: bigint, { organic }: { organic: string }) => sum + BigInt(organic), 0n);
    const total = whole.tokens.find(({ token }: { token: string }) => token === OPG);
    expect(total.organic).toBe(String(summed));
    expect(summed).toBeGreaterThan(0n);
    expect(knownSince).toBeLessThan(day);
  });
});

describe("a series accepts", () => {
  const refused = async (query: string) => {
    const response = await api.get(`/v1/network/series?${query}`);
    return { status: response.status, ...((await response.json()) as object) };
  };

  test("at most 1,000 buckets, and the refusal names the earliest start", async () => {
    expect(await refused(`metric=heartbeats&from=${HEAD - 1_000 * HOUR}`)).toMatchObject({
      status: 400,
      code: "too-many-buckets",
      buckets: 1_001,
      limit: 1_000,
      earliestFrom: HEAD - (HEAD % HOUR) - 999 * HOUR,
    });
    const { items } = await api.json(
      `/v1/network/series?metric=heartbeats&from=${HEAD - (HEAD % HOUR) - 999 * HOUR}`,
    );
    expect(items).toHaveLength(1_000);
    expect(await refused("metric=heartbeats&interval=day&from=0")).toMatchObject({
      code: "too-many-buckets",
    });
  });

  test("a known metric, and nothing else", async () => {
    for (const query of [
      "",
      "metric=revenue",
      "metric=heartbeats&interval=week",
      "metric=heartbeats&limit=5",
    ])
      expect(await refused(query)).toMatchObject({ status: 400, code: "invalid-parameter" });
  });

  test("no range: the last day by hour, or the last 30 days by day", async () => {
    const hours = await api.json("/v1/network/series?metric=heartbeats");
    expect(hours.items).toHaveLength(24);
    expect(hours.items.at(-1)).toMatchObject({ startAt: HEAD - (HEAD % HOUR), complete: false });
    expect(hours.pageInfo).toEqual({ endCursor: null, hasNextPage: false });
    expect((await api.json("/v1/network/series?metric=heartbeats&interval=day")).items).toHaveLength(30);
    expect((await api.json(`/v1/network/series?metric=heartbeats&from=${HEAD + 9 * HOUR}`)).items).toEqual(
      [],
    );
    expect((await api.json("/v1/network/series?metric=heartbeats&from=9&to=9")).items).toEqual([]);
  });

  test("CSV and NDJSON, with the same values", async () => {
    const path = `/v1/nodes/${nodeNamed("a").teeId}/series?metric=revenue&interval=day`;
    const { items } = await api.json(path);
    const ndjson = await (await api.get(`${path}&format=ndjson`)).text();
    expect(
      ndjson
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual(items);
    const csv = await (await api.get(`${path}&format=csv`)).text();
    expect(csv.split("\n")[0]).toBe("startAt,complete,value,tokens");
    expect(csv.trim().split("\n")).toHaveLength(items.length + 1);
  });

  test("requests while Base is not ready, except for Base's metrics", async () => {
    await tables.setHead("base", 1, BASE_HEAD, "not-ready");
    const fresh = createTestApi(database.url);
    fresh.now = HEAD + 7;
    expect((await fresh.get("/v1/network/series?metric=volume")).status).toBe(503);
    expect((await fresh.get("/v1/network/series?metric=heartbeats")).status).toBe(200);
    const { metrics } = await fresh.json(`/v1/nodes/${nodeNamed("a").teeId}`);
    expect(metrics.all).toMatchObject({ payers: null, revenue: null, settlements: 700 });
    await fresh.close();
    await tables.setHead("base", 5_000 + (BASE_HEAD - (T0 - 5_000)) / 2, BASE_HEAD);
  });
});

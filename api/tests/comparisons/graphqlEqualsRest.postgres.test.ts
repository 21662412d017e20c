/** GraphQL and REST give the same answers to random requests, page by page, in both directions. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { NETWORK_SERIES, NODE_SERIES } from "../../queries/series/series.ts";
import {
  COMPARED_LISTS,
  GROUP_METRICS,
  graph,
  graphWalk,
  type Item,
  METRICS,
  NODE,
  oneOf,
  restWalk,
  scoreToRest,
  time,
  toGraphqlWord,
  toRestWord,
  type Values,
} from "../../testing/comparisons/comparedLists.ts";
import { orderRange } from "../../testing/fuzz/orderedRange.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, PAYERS, T0 } from "../../testing/worlds/networkWorld.ts";

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

describe.each(Object.entries(COMPARED_LISTS))("%s", (_, list) => {
  test("has the same pages as REST, whatever the filters", { timeout: 120_000 }, async () => {
    // Few filters at a time: all together match nothing.
    const given = fc
      .subarray(Object.keys(list.filters), { maxLength: Math.min(3, Object.keys(list.filters).length) })
      .chain((names) =>
        fc.record(Object.fromEntries(Object.entries(list.filters).filter(([name]) => names.includes(name)))),
      );
    await fc.assert(
      fc.asyncProperty(given, fc.integer({ min: 4, max: 40 }), async (parameters, size) => {
        const asked = orderRange(parameters as Values); // a record of the filters' values
        const rest = await restWalk(api, list, asked, size);
        const forward = await graphWalk(api, list, asked, size, "forward");
        expect(forward.pages).toEqual(rest);
        expect(forward.totalCount).toBe(rest.flat().length);
        expect(forward.atLeast).toBe(rest.flat().length);
        const backward = await graphWalk(api, list, asked, size, "backward");
        expect([...backward.pages].reverse().flat()).toEqual(rest.flat());
      }),
      { numRuns: 25 },
    );
  });

  test("the test world has rows of it", async () => {
    expect((await restWalk(api, list, {}, 100)).flat().length).toBeGreaterThan(1);
  });
});

describe("single objects", () => {
  const same = async (path: string, query: string, toRest: (data: Item) => Item) =>
    expect(toRest(await graph(api, query, {}))).toEqual(await api.json(path));

  test("a node and every window of its metrics, now and at past moments", async () => {
    const windows = ["1h", "24h", "7d", "30d", "all"];
    const { selection } = COMPARED_LISTS.nodes ?? { selection: "" };
    for (const moment of [HEAD, T0 + 5_000]) {
      const query = `{ teeNode(teeId: "${NODE}", at: ${moment}) { ${selection.replace(/metrics[^}]*\}[^}]*\}/, "")}
        ${windows.map((name) => `w${name}: metrics(window: ${name === "all" ? "ALL" : `LAST_${name.toUpperCase()}`}) { ${METRICS} }`).join(" ")} } }`;
      const rest = await api.json(`/v1/nodes/${NODE}?at=${moment}`);
      const { status, statusPrecision, recordSource, score, ...node } = (await graph(api, query, {})).teeNode;
      const metrics = Object.fromEntries(windows.map((name) => [name, node[`w${name}`]]));
      const plain = Object.fromEntries(Object.entries(node).filter(([name]) => !/^w(\d|all)/.test(name)));
      expect({
        ...plain,
        status: toRestWord(status),
        statusPrecision: toRestWord(statusPrecision),
        recordSource: toRestWord(recordSource),
        score: scoreToRest(score),
        metrics,
      }).toEqual(rest);
    }
  });

  test("series of nodes and the network", { timeout: 120_000 }, async () => {
    const SERIES = "startAt complete value tokens { token raw organic effectivePayers }";
    const subjects = fc.oneof(
      fc.record({ metric: oneOf(...NODE_SERIES), path: fc.constant(`/v1/nodes/${NODE}/series`) }),
      fc.record({ metric: oneOf(...NETWORK_SERIES), path: fc.constant("/v1/network/series") }),
    );
    const ranges = fc.record(
      { interval: oneOf("hour", "day"), from: time, to: time },
      { requiredKeys: ["interval"] },
    );
    await fc.assert(
      fc.asyncProperty(subjects, ranges.map(orderRange), async ({ metric, path }, given) => {
        const said = String(metric)
          .replace(/(?<=[a-z0-9])[A-Z]/g, "_$&")
          .toUpperCase();
        const rest = new URLSearchParams({ metric: String(metric) });
        const args = [`metric: ${said}`, `interval: ${toGraphqlWord(given.interval)}`];
        for (const [name, value] of Object.entries(given)) {
          rest.set(name, String(value));
          if (name !== "interval") args.push(`${name}: ${value}`);
        }
        const field = path.includes("network")
          ? `points: networkSeries(${args}) { ${SERIES} }`
          : `teeNode(teeId: "${NODE}") { points: series(${args}) { ${SERIES} } }`;
        const data = await graph(api, `{ ${field} }`, {});
        const { items } = await api.json(`${path}?${rest}`);
        expect((data.teeNode ?? data).points).toEqual(items);
      }),
      { numRuns: 60 },
    );
  });

  test("status, also before anything is indexed", async () => {
    const both = async () => {
      const { status } = await graph(
        api,
        `{ status { version scoreVersion digest verifier { pending oldestPendingSeconds } chains { chain chainId blockNumber blockHash blockTime
          finalizedBlock lagSeconds ready } } }`,
        {},
      );
      const { chains: restChains, prober: _, ...shown } = await api.json("/v1/status");
      const { chains: graphChains, ...known } = status;
      expect(known).toEqual(shown);
      for (const { chain, blockNumber, blockHash, blockTime, ...rest } of graphChains) {
        const { block, ...progress } = restChains[chain.toLowerCase()];
        expect(rest).toEqual(progress);
        const newest =
          blockNumber === null ? null : { number: blockNumber, hash: blockHash, timestamp: blockTime };
        expect(newest).toEqual(block);
      }
    };
    await both();
    await tables.client.query("alter schema og rename to og_hidden; alter schema base rename to base_hidden");
    try {
      await both();
    } finally {
      await tables.client.query(
        "alter schema og_hidden rename to og; alter schema base_hidden rename to base",
      );
    }
  });

  test("a batch's leaves", async () => {
    const { items } = await api.json("/v1/settlements?kind=batch&verdict=partial");
    const { id, leaves } = await api.json(`/v1/settlements/${items[0].id}`);
    const { settlement } = await graph(
      api,
      `{ settlement(eventId: "${id}") { leaves { nodes {
        leafIndex inferenceId teeId inputHash outputHash timestamp signature signatureBytes signatureSha256 verdict } } } }`,
      {},
    );
    const shown = settlement.leaves.nodes.map((leaf: Item) => ({
      ...leaf,
      verdict: toRestWord(leaf.verdict),
    }));
    expect(shown).toHaveLength(3);
    expect(shown).toEqual(Array.isArray(leaves) ? leaves : leaves.items);
  });

  test("a receipt, an operator, a relayer, payers, a channel, the network", async () => {
    const { items } = await api.json("/v1/inferences?signatureValid=true");
    await same(
      `/v1/inferences/${items[0].id}/receipt`,
      `{ inference(inferenceId: "${items[0].id}") { receipt } }`,
      ({ inference }) => inference.receipt,
    );
    const operator = address("owner-a");
    await same(
      `/v1/operators/${operator}`,
      `{ operator(address: "${operator}") { ${COMPARED_LISTS.operators?.selection} } }`,
      (data) => data.operator,
    );
    const relayer = address("relayer");
    await same(
      `/v1/relayers/${relayer}`,
      `{ relayer(address: "${relayer}") { address record { firstSeenAt lastSeenAt lastHeartbeatAt
        heartbeats { sent repeated lateness { p50Seconds p95Seconds samples } }
        settlements { individual batch legacy }
        verdicts { pending verified partial invalid unavailable unverifiable }
        leaves { valid invalid unknownNode } proofAvailability
        individual: individualLatency { p50Seconds p95Seconds samples }
        batch: batchLatency { p50Seconds p95Seconds samples } } } }`,
      (data) => {
        const { individual, batch, ...record } = data.relayer.record;
        return { address: data.relayer.address, ...record, settlementLatency: { individual, batch } };
      },
    );
    for (const name of PAYERS)
      await same(
        `/v1/payers/${address(name)}`,
        `{ payer(address: "${address(name)}") { address record { firstPaidAt lastPaidAt insider payments payeeCount
          spending { token raw organic payments } operators { operator token raw organic payments }
          payees { payee operator token raw payments firstDayAt lastDayAt } channels { open withdrawing closed } } } }`,
        ({ payer: { address, record } }) => ({ address, ...record }),
      );
    await same(
      `/v1/channels/${hash("channel2")}`,
      `{ channel(channelId: "${hash("channel2")}") { ${COMPARED_LISTS.channels?.selection} } }`,
      ({ channel }) => ({ ...channel, state: toRestWord(channel.state) }),
    );
    const windows = ["1h", "24h", "7d", "30d", "all"];
    const metrics = windows
      .map((name) => {
        const said = name === "all" ? "ALL" : `LAST_${name.toUpperCase()}`;
        return `w${name}: metrics(window: ${said}) { ${GROUP_METRICS} }`;
      })
      .join(" ");
    const byWindow = (group: Item) => {
      const rest = Object.entries(group).filter(([name]) => !/^w(\d|all)/.test(name));
      return {
        ...Object.fromEntries(rest),
        metrics: Object.fromEntries(windows.map((name) => [name, group[`w${name}`]])),
      };
    };
    await same(
      "/v1/network?registry=all&include=metrics",
      `{ network(registry: "all") { nodes: nodeCounts { total active stale disabled revoked removed } operators heartbeats
        heartbeatMaxAge { registry value precision exactSince } settlements { individual batch legacy claimedLeaves } onchainInferences inferences promptTokens completionTokens
        models: modelCount payments payers volume { token raw organic } tokens { address symbol decimals } ${metrics} } }`,
      ({ network }) => byWindow(network),
    );
    const { network } = await graph(
      api,
      "{ network { heartbeatMaxAge { registry value precision exactSince } } }",
      {},
    );
    const { heartbeatMaxAge } = await api.json("/v1/network");
    expect({
      ...network.heartbeatMaxAge,
      precision: toRestWord(network.heartbeatMaxAge.precision),
    }).toEqual(heartbeatMaxAge);
    await same(
      `/v1/operators/${operator}?include=metrics`,
      `{ operator(address: "${operator}") { ${COMPARED_LISTS.operators?.selection} ${metrics} } }`,
      (data) => byWindow(data.operator),
    );
  });
});

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { PCRS, type RegistryRows } from "../../../test/registryRows.ts";
import { DAY, INTERVAL, idOf, SelectNetwork } from "../../../test/selectNetwork.ts";
import { CONSTANTS, SCORE_VERSION } from "../../scoring/index.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables } from "../../testing/worlds/chainTables.ts";
import { OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";

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
  await world.live(1);
  await world.show(api);
  return () => api.close();
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Answer = any;

async function post(query: string, variables: object = {}, search = "") {
  const response = await api.fetch(`/graphql${search}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const answer: Answer = await response.json();
  return { response, answer, code: answer.errors?.[0]?.extensions?.code };
}

/** The data of an answer, which has to have no errors. */
async function ask(query: string, variables: object = {}): Promise<Answer> {
  const { answer } = await post(query, variables);
  if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

const SELECTION = `scoreVersion seed validUntil excluded { reason count } nodes { rank probability node {
  teeId registry chainId teeType { id: typeId name } owner paymentAddress endpoint endpointHex endpointBytes
  endpointSha256 publicKey publicKeyBytes publicKeySha256 tlsCertificate tlsCertificateBytes tlsCertificateSha256
  pcr { hash version approved approvedAt revokedAt }
  ohttpConfig { keyId kemId kdfId aeadId publicKey publicKeyBytes publicKeySha256 keyConfig keyConfigBytes keyConfigSha256
    registeredAt } status statusPrecision enabled registeredAt
  lastHeartbeatAt lastSignedAt recordSource
  score { value low high nEff version factors { name weight value low high observed hours } gates { reason detail } } } }`;

const word = (value: string) => value.toLowerCase().replaceAll("_", "-");

/** A selection in REST's form. */
const toRest = ({ nodes, excluded, ...rest }: Answer) => ({
  ...rest,
  nodes: nodes.map(({ node: { score, ...node }, ...selected }: Answer) => ({
    ...selected,
    node: {
      ...node,
      status: word(node.status),
      statusPrecision: word(node.statusPrecision),
      recordSource: word(node.recordSource),
      score: {
        ...score,
        factors: score.factors.map(({ name, ...factor }: Answer) => ({ name: word(name), ...factor })),
      },
    },
  })),
  excluded: excluded.map(({ reason, count }: Answer) => ({ reason: word(reason), count })),
});

/** The statements that Postgres runs for a request, without the ends of transactions. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    await work();
    return query.mock.calls.filter(([given]: readonly unknown[]) => typeof given === "object").length;
  } finally {
    query.mockRestore();
  }
}

describe("selectNodes", () => {
  test("answers what /v1/select answers, whatever the arguments", { timeout: 120_000 }, async () => {
    const names = fc.subarray([..."abcdefghi"], { minLength: 1, maxLength: 5 });
    const ids = names.map((chosen) => chosen.map(idOf));
    const owners = fc.subarray(["owner-0", "owner-1", "owner-2"], { minLength: 1 });
    const addresses = owners.map((chosen) => chosen.map((name) => address(name)));
    const filters = {
      strategy: fc.constantFrom("weighted", "best", "random"),
      teeType: fc.constantFrom(0, 0, 0, 1),
      only: ids,
      exclude: ids,
      owner: addresses,
      excludeOwner: addresses,
      pcrHash: fc.constantFrom(...PCRS),
      pcr: fc.constant("latest"),
      ohttp: fc.boolean(),
      minScore: fc.integer({ min: 0, max: 100 }),
      minUptime: fc.integer({ min: 90, max: 100 }).map((percent) => percent / 100),
      registry: fc.constantFrom(REGISTRY, OTHER_REGISTRY, "all"),
    };
    // Few filters at a time: all together match no node.
    const asked = fc.subarray(Object.keys(filters), { maxLength: 3 }).chain((used) =>
      fc.record({
        ...Object.fromEntries(Object.entries(filters).filter(([name]) => used.includes(name))),
        seed: fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !text.includes("\0")),
        count: fc.integer({ min: 1, max: 20 }),
      }),
    );
    const TYPES: Readonly<Record<string, string>> = {
      seed: "String",
      count: "Int!",
      strategy: "SelectionStrategy!",
      teeType: "Int!",
      only: "[Hex!]",
      exclude: "[Hex!]",
      owner: "[Address!]",
      excludeOwner: "[Address!]",
      pcrHash: "Hex",
      pcr: "PcrChoice",
      ohttp: "Boolean",
      minScore: "Float",
      minUptime: "Float",
      registry: "Registry",
    };
    let selected = 0;
    await fc.assert(
      fc.asyncProperty(asked, async (given) => {
        const used = Object.keys(given);
        const query = `query (${used.map((name) => `$${name}: ${TYPES[name]}`).join(", ")}) {
          selectNodes(${used.map((name) => `${name}: $${name}`).join(", ")}) { ${SELECTION} } }`;
        const enums = new Set(["strategy", "pcr"]);
        const variables = Object.fromEntries(
          Object.entries(given).map(([name, value]) => [
            name,
            enums.has(name) ? String(value).toUpperCase() : value,
          ]),
        );
        const { selectNodes } = await ask(query, variables);
        const parameters = new URLSearchParams(
          Object.entries(given).map(([name, value]) => [name, String(value)]),
        );
        const { asOf: _, ...rest } = await api.json(`/v1/select?${parameters}`);
        expect(toRest(selectNodes)).toEqual(rest);
        selected += rest.nodes.length;
      }),
      { numRuns: 150 },
    );
    expect(selected).toBeGreaterThan(200);
  });

  test("reads the nodes from the snapshot, not from the database", async () => {
    const positions = await statementsOf(() => ask("{ selectNodes(count: 1) { seed } }"));
    const whole = await statementsOf(() => ask(`{ selectNodes(count: 9) { ${SELECTION} } }`));
    expect(whole).toBe(positions);
    const { selectNodes } = await ask(
      "{ selectNodes(count: 2, strategy: BEST) { nodes { node { teeId metrics { uptime } operator { address } } } } }",
    );
    for (const { node } of selectNodes.nodes) expect(node.metrics.uptime).toBe(1);
  });

  test("draws anew each time and is not cacheable, unless a seed is given", async () => {
    const get = (query: string, headers = {}) =>
      api.get(`/graphql?${new URLSearchParams({ query })}`, headers);
    const fresh = await get("{ selectNodes { seed } }");
    expect(fresh.headers.get("Cache-Control")).toBe("no-store");
    expect(fresh.headers.get("ETag")).toBeNull();
    expect(fresh.headers.get("OG-Block")).toBe(String(rows.block));
    const seeded = '{ selectNodes(seed: "one") { nodes { node { teeId } } } }';
    const tag = (await get(seeded)).headers.get("ETag") ?? "";
    expect((await get(seeded, { "If-None-Match": tag })).status).toBe(304);
    const seeds = await ask("{ a: selectNodes { seed } b: selectNodes { seed } }");
    expect(seeds.a.seed).not.toBe(seeds.b.seed);
  });

  test.each([
    ["count: 0", "count"],
    ["count: 21", "count"],
    ["teeType: 256", "teeType"],
    ['seed: ""', "seed"],
    ["only: []", "only"],
    ['exclude: ["0x12"]', "exclude"],
    ['pcrHash: "0x12"', "pcrHash"],
    ["minScore: 101", "minScore"],
    ["minUptime: -0.5", "minUptime"],
    [`registry: "${address("unknown")}"`, "registry"],
  ])("%s is refused by name", async (given, parameter) => {
    const { answer } = await post(`{ selectNodes(${given}) { seed } }`);
    expect(answer.data.selectNodes).toBeNull();
    expect(answer.errors[0].extensions).toMatchObject({ code: "invalid-parameter", parameter });
  });
});

describe("a request with a selection", () => {
  const QUERY = `{ selectNodes(count: 20, strategy: BEST) { nodes { node { teeId lastHeartbeatAt score { value } } } }
    nodes(sort: SCORE, filter: { status: ACTIVE }) { nodes { teeId lastHeartbeatAt score { value } } }
    asOf { og { blockNumber blockTime } } }`;

  test("is answered entirely from the state of the selection", async () => {
    const { block, time } = rows;
    // A block that is not in the snapshot yet: one node's new heartbeat.
    await rows.nextBlock(30);
    for (const node of rows.nodes.slice(0, 4)) await rows.heartbeat(node, rows.time, "relayer");
    await rows.showHead();
    const { answer, response } = await post(QUERY);
    expect(answer.data.asOf.og).toEqual({ blockNumber: block, blockTime: time });
    expect(answer.extensions.asOf.og.blockNumber).toBe(block);
    expect(response.headers.get("OG-Block")).toBe(String(block));
    const selected = answer.data.selectNodes.nodes.map(({ node }: Answer) => node);
    const byId = (one: Answer, other: Answer) => (one.teeId < other.teeId ? -1 : 1);
    expect(selected.sort(byId)).toEqual(answer.data.nodes.nodes.sort(byId));

    await api.refresh();
    expect((await ask(QUERY)).asOf.og.blockNumber).toBe(rows.block);
    // Without a selection it is the newest.
    await rows.nextBlock(30);
    await rows.showHead();
    expect((await ask("{ nodes { nodes { teeId } } asOf { og { blockNumber } } }")).asOf.og.blockNumber).toBe(
      rows.block,
    );
  });

  test("falls back to the previous snapshot when its transaction lacks the newest block", async () => {
    const { block, time } = rows;
    await world.beat(1);
    await world.show(api);
    await tables.setHead("og", block, time);
    await tables.client.query("delete from og.block where number > $1", [block]);
    api.now = time + 3;
    expect((await ask(QUERY)).asOf.og).toEqual({ blockNumber: block, blockTime: time });
  });

  test("continues at the state of its cursor as long as that snapshot is held", async () => {
    const page = `query ($after: String) { selectNodes(seed: "s", count: 5) { nodes { probability node { teeId } } }
      settlements(first: 1) { nodes { kind } }
      nodes(sort: SCORE, first: 4, after: $after) { nodes { teeId } pageInfo { endCursor } } asOf { og { blockNumber } } }`;
    const first = await ask(page);
    const after = first.nodes.pageInfo.endCursor;
    await world.beat(1);
    await world.show(api);
    api.now -= INTERVAL;
    const second = await ask(page, { after });
    expect(second.selectNodes).toEqual(first.selectNodes);
    expect(second.asOf).toEqual(first.asOf);
    for (let round = 0; round < 9; round++) {
      await world.beat(round);
      await world.show(api);
    }
    const { answer, code } = await post(page, { after });
    expect(code).toBe("invalid-cursor");
    expect(answer.data.selectNodes).toBeNull();
    expect(answer.data.nodes.nodes).toEqual(second.nodes.nodes);
  });

  test("is answered during recovery if it needs no database read", async () => {
    const { block } = rows;
    await tables.setHead("og", rows.block - 2, rows.time - 2 * INTERVAL, "not-ready");
    const { answer, response } = await post(
      "{ selectNodes(count: 2) { nodes { node { teeId endpoint tlsCertificate score { value } operator { address } } } } nodes { nodes { teeId } } }",
    );
    expect(answer.data.selectNodes.nodes).toHaveLength(2);
    expect(answer.data.selectNodes.nodes[0].node).toMatchObject({
      tlsCertificate: expect.stringMatching(/^0x/),
      score: { value: expect.any(Number) },
      operator: null,
    });
    expect(answer.data.nodes).toBeNull();
    expect(new Set(answer.errors.map(({ extensions }: Answer) => extensions.code))).toEqual(
      new Set(["indexing"]),
    );
    expect(response.headers.get("OG-Block")).toBe(String(block));
    expect(answer.extensions.asOf.og.blockNumber).toBe(block);
  });

  test("loses only the selection when the snapshot is too old", async () => {
    api.now = rows.time + 121;
    const both = "{ selectNodes { seed } nodes(first: 1) { nodes { teeId } } }";
    const { answer, code, response } = await post(both);
    expect([response.status, code]).toEqual([200, "stale"]);
    expect(answer.data.selectNodes).toBeNull();
    expect(answer.data.nodes.nodes).toHaveLength(1);
    expect((await post(both, {}, "?maxLag=121")).code).toBeUndefined();
    const refused = await post(both, {}, "?maxLag=120");
    expect([refused.response.status, refused.code]).toEqual([503, "stale"]);
  });

  test("before the first snapshot is refused as indexing", async () => {
    const fresh = createTestApi(database.url);
    fresh.now = api.now;
    const response = await fresh.fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query: "{ selectNodes { seed } nodes(first: 1) { nodes { teeId } } }" }),
    });
    const { data, errors }: Answer = await response.json();
    expect(errors[0].extensions.code).toBe("indexing");
    expect(data).toMatchObject({ selectNodes: null, nodes: { nodes: [{}] } });
    await fresh.close();
  });
});

describe("scores", () => {
  test("bound lists of nodes, in every order and both directions", async () => {
    const { nodes } = await ask("{ nodes(sort: SCORE) { nodes { teeId score { value } } } }");
    const all: { teeId: string; score: { value: number } }[] = nodes.nodes;
    const values = all.map(({ score }) => score.value).sort((one, other) => one - other);
    const [min, max] = [values[2], values[6]];
    const within = all.filter(({ score }) => score.value >= (min ?? 0) && score.value <= (max ?? 0));
    expect(within.length).toBeLessThan(9);
    for (const sort of ["SCORE", "UPTIME", "REGISTERED_AT", "INFERENCES"]) {
      const list = `nodes(sort: ${sort}, filter: { minScore: ${min}, maxScore: ${max} }`;
      const forward = await ask(`{ ${list}) { totalCount nodes { teeId } } }`);
      expect(forward.nodes.totalCount).toBe(within.length);
      const ids = forward.nodes.nodes.map(({ teeId }: Answer) => teeId);
      expect([...ids].sort()).toEqual(within.map(({ teeId }) => teeId).sort());
      const backward = await ask(`{ ${list}, last: 2) { nodes { teeId } pageInfo { hasPreviousPage } } }`);
      expect(backward.nodes.nodes.map(({ teeId }: Answer) => teeId)).toEqual(ids.slice(-2));
      expect(backward.nodes.pageInfo.hasPreviousPage).toBe(true);
    }
    const owned = await ask(
      `{ operator(address: "${address("owner-1")}") { nodes(sort: SCORE, filter: { maxScore: ${max} }) { nodes { teeId owner } } } }`,
    );
    for (const { owner } of owned.operator.nodes.nodes) expect(owner).toBe(address("owner-1"));
    const { answer } = await post("{ nodes(filter: { minScore: 100.5 }) { nodes { teeId } } }");
    expect(answer.errors[0].extensions).toMatchObject({ code: "invalid-parameter", parameter: "minScore" });
  });

  test("are those of the moment asked about", async () => {
    const at = rows.time;
    const query = `query ($at: Timestamp) { teeNode(teeId: "${idOf("a")}", at: $at) { score { value gates { reason } } } }`;
    const { teeNode: before } = await ask(query);
    for (let round = 0; round < 8; round++) {
      await rows.nextBlock(INTERVAL);
      for (const other of rows.nodes.slice(1)) await rows.heartbeat(other, rows.time, "relayer");
    }
    await world.show(api);
    const { teeNode: after } = await ask(query);
    expect(after.score.value).toBeLessThan(before.score.value);
    expect(after.score.gates.map(({ reason }: Answer) => reason)).toEqual(["STALE", "NOT_PROVED_ALIVE"]);
    expect((await ask(query, { at })).teeNode).toEqual(before);
    expect((await ask(query, { at: at - 2 * DAY })).teeNode).toBeNull();
  });

  test("are made with the published constants", async () => {
    const { scoring } = await ask("{ scoring { version constants { name value unit reason } } }");
    expect(scoring.version).toBe(SCORE_VERSION);
    expect(
      Object.fromEntries(scoring.constants.map(({ name, ...constant }: Answer) => [name, constant])),
    ).toEqual(CONSTANTS);
  });
});

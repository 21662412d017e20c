import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { getRequestListener } from "@hono/node-server";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { EXAMPLES } from "../../graphql/graphiql/examples.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, HEAD_BLOCK, T0 } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed, OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(async () => {
  await tables.setHead("og", HEAD_BLOCK, HEAD);
  await tables.setHead("base", 20_000, HEAD + 2);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  return () => api.close();
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Answer = any;

async function post(body: object, search = "") {
  const response = await api.fetch(`/graphql${search}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer: Answer = await response.json();
  return { response, answer, code: answer.errors?.[0]?.extensions?.code };
}

/** The data of an answer, which has to have no errors. */
async function ask(query: string, variables: object = {}): Promise<Answer> {
  const { answer } = await post({ query, variables });
  if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
  return answer.data;
}

const get = (query: string, headers = {}, more: Readonly<Record<string, string>> = {}) =>
  api.get(`/graphql?${new URLSearchParams({ query, ...more })}`, headers);

/** The statements that Postgres runs for a request. */
async function statementsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, "query");
  try {
    await work();
    return query.mock.calls.map(([given]: readonly unknown[]) =>
      typeof given === "string" ? given : String((given as { text: string }).text),
    );
  } finally {
    query.mockRestore();
  }
}

const A = nodeNamed("a").teeId;

describe("one request", () => {
  test("is one transaction on one state, which the headers name", async () => {
    const { response, answer } = await post({
      query:
        "{ nodes(first: 2) { nodes { teeId } } payments(first: 2) { nodes { payer } } asOf { og { blockNumber } } }",
    });
    expect(response.status).toBe(200);
    expect(answer.extensions.asOf).toEqual({
      og: { chainId: 10740, blockNumber: HEAD_BLOCK, blockTime: HEAD },
      base: { chainId: 8453, blockNumber: 20_000, blockTime: HEAD + 2 },
      proofsRevision: 7,
    });
    expect(answer.data.asOf.og.blockNumber).toBe(HEAD_BLOCK);
    expect(response.headers.get("OG-Block")).toBe(String(HEAD_BLOCK));
    expect(response.headers.get("Base-Lag-Seconds")).toBe("5");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    const statements = await statementsOf(() =>
      ask("{ nodes(first: 2) { nodes { teeId } } payments(first: 2) { nodes { payer } } }"),
    );
    expect(statements.filter((text) => /^begin/.test(text))).toEqual([
      "begin isolation level repeatable read read only",
    ]);
  });

  test("names only the chains it reads", async () => {
    const { answer, response } = await post({ query: "{ settlements(first: 1) { nodes { kind } } }" });
    expect(answer.extensions.asOf.base).toBeNull();
    expect(response.headers.get("Base-Block")).toBeNull();
    expect((await post({ query: "{ __typename }" })).answer.extensions.asOf.og).toBeNull();
  });

  test("refuses a registry that is not indexed, also for a single node", async () => {
    const rule = `one of the indexed registries, ${REGISTRY}, ${OTHER_REGISTRY}`;
    const unknown = address("unknown");
    const { answer } = await post({ query: `{ teeNode(teeId: "${A}", registry: "${unknown}") { teeId } }` });
    expect(answer.errors[0]).toMatchObject({
      extensions: { code: "invalid-parameter", value: unknown, rule },
    });
    const response = await api.get(`/v1/nodes/${A}?registry=${unknown}`);
    expect(await response.json()).toMatchObject({ code: "invalid-parameter", value: unknown, rule });
    const all = await post({ query: `{ nodes(filter: { registry: "${unknown}" }) { nodes { teeId } } }` });
    expect(all.answer.errors[0].extensions.rule).toBe(`${rule}, or all`);
  });

  test("refuses a range that ends before it begins, in filters and in arguments", async () => {
    const filtered = ["settlements", "inferences", "onchainInferences", "payments", "channels"].map(
      (list) => (range: string) => `${list}(filter: { ${range} }) { nodes { __typename } }`,
    );
    const ofNode = ["heartbeats", "intervals", "events"].map(
      (list) => (range: string) =>
        `teeNode(teeId: "${A}") { ${list}(filter: { ${range} }) { nodes { __typename } } }`,
    );
    const questions = [
      ...filtered,
      ...ofNode,
      (range: string) => `models(${range}) { nodes { __typename } }`,
      (range: string) => `networkSeries(metric: VOLUME, ${range}) { startAt }`,
      (range: string) => `teeNode(teeId: "${A}") { series(metric: UPTIME, ${range}) { startAt } }`,
    ];
    for (const question of questions) {
      const empty = await post({ query: `{ ${question(`from: ${T0}, to: ${T0}`)} }` });
      expect([question(""), empty.answer.errors]).toEqual([question(""), undefined]);
      const { answer } = await post({ query: `{ ${question(`from: ${T0}, to: ${T0 - 1}`)} }` });
      expect(answer.errors[0]).toMatchObject({
        message: `from: "${T0}": not after to, which is ${T0 - 1}`,
        extensions: { code: "invalid-parameter", parameter: "from", value: String(T0) },
      });
    }
  });

  test("has OpenGradient's freshness headers, whatever it reads, also when it is refused", async () => {
    const type = { "Content-Type": "application/json" };
    for (const init of [
      { method: "POST", headers: type, body: JSON.stringify({ query: "{ __typename }" }) },
      { method: "POST", headers: type, body: JSON.stringify({ query: "{ nosuch }" }) },
      { method: "POST", headers: type, body: "{" },
      { method: "POST", headers: { "Content-Type": "text/plain" }, body: "{ __typename }" },
      { method: "DELETE" },
    ]) {
      const { headers } = await api.fetch("/graphql", init);
      expect([init, headers.get("OG-Block"), headers.get("OG-Lag-Seconds")]).toEqual([
        init,
        String(HEAD_BLOCK),
        "7",
      ]);
    }
    expect((await api.get("/graphql?nosuch=1")).headers.get("OG-Block")).toBe(String(HEAD_BLOCK));
  });

  test("loses only the fields of a chain that is not ready", async () => {
    await tables.setHead("base", 500, T0, "not-ready");
    const { answer, code, response } = await post({
      query: `{ nodes(first: 1) { nodes { teeId payments { nodes { payer } } operator { payers } } }
        payments { nodes { payer } } network { payments operators } status { chains { chain ready blockNumber } } }`,
    });
    expect([response.status, code]).toEqual([200, "indexing"]);
    expect(answer.errors.map(({ path }: Answer) => path.join("."))).toEqual([
      "payments",
      "nodes.nodes.0.payments",
    ]);
    expect(answer.data.payments).toBeNull();
    expect(answer.data.nodes.nodes[0]).toMatchObject({ payments: null, operator: { payers: null } });
    expect(answer.data.network).toMatchObject({ payments: null, operators: 3 });
    expect(answer.data.status.chains).toEqual([
      { chain: "OG", ready: true, blockNumber: HEAD_BLOCK },
      { chain: "BASE", ready: false, blockNumber: 500 },
    ]);
    await tables.setHead("og", 1, T0, "not-ready");
    const other = await post({ query: "{ nodes { nodes { teeId } } status { chains { ready } } }" });
    expect([other.code, other.answer.data.nodes]).toEqual(["indexing", null]);
  });

  test("reads the state of its cursors until that has expired", async () => {
    const query = `query ($after: String) { settlements(first: 5, after: $after) {
      nodes { blockNumber } pageInfo { endCursor hasNextPage } totalCount } }`;
    const first = (await ask(query)).settlements;
    const late = {
      blockNumber: HEAD_BLOCK + 1,
      logIndex: 0,
      txHash: hash("late"),
      kind: "legacy",
      settledAt: HEAD + 1,
    };
    await tables.insert("og", "settlement", late);
    await tables.block("og", HEAD_BLOCK + 1, HEAD + 1);
    await tables.setHead("og", HEAD_BLOCK + 1, HEAD + 1);
    try {
      const { answer, response } = await post({ query, variables: { after: first.pageInfo.endCursor } });
      expect(answer.data.settlements.totalCount).toBe(first.totalCount);
      expect(answer.extensions.asOf.og.blockNumber).toBe(HEAD_BLOCK);
      expect(response.headers.get("OG-Block")).toBe(String(HEAD_BLOCK));
      const now = (await ask(query)).settlements;
      expect(now.totalCount).toBe(first.totalCount + 1);
      const mixed = await post({
        query: `query ($a: String, $b: String) { x: settlements(first: 5, after: $a) { nodes { id } }
          y: settlements(first: 5, after: $b) { nodes { id } } }`,
        variables: { a: first.pageInfo.endCursor, b: now.pageInfo.endCursor },
      });
      expect([mixed.response.status, mixed.code]).toEqual([400, "invalid-cursor"]);
    } finally {
      await tables.client.query("delete from og.settlement where block_number > $1", [HEAD_BLOCK]);
      await tables.client.query("delete from og.block where number > $1", [HEAD_BLOCK]);
    }
    await tables.setHead("og", HEAD_BLOCK - 5, HEAD - 5);
    const { response, code } = await post({ query, variables: { after: first.pageInfo.endCursor } });
    expect([response.status, code]).toEqual([410, "cursor-expired"]);
  });
});

describe("paging", () => {
  const page = (args: string) =>
    ask(
      `{ settlements(${args}) { edges { cursor node { eventId } } pageInfo { hasNextPage hasPreviousPage } } }`,
    ).then(({ settlements }) => settlements);

  test("first and last start at the two ends; after and before meet in the middle", async () => {
    const all = (await page("first: 100")).edges;
    expect(all).toHaveLength(40);
    expect((await page("last: 3")).edges).toEqual(all.slice(-3));
    const { edges, pageInfo } = await page(`last: 4, before: "${all[10].cursor}"`);
    expect(edges).toEqual(all.slice(6, 10));
    expect(pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: true });
    const start = await page(`last: 20, before: "${all[10].cursor}"`);
    expect(start.edges).toEqual(all.slice(0, 10));
    expect(start.pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false });
    const mixed = await post({
      query: `{ settlements(last: 1, after: "${all[10].cursor}") { nodes { kind } } }`,
    });
    expect(mixed.code).toBe("invalid-parameter");
    expect((await page("first: 0")).pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false });
  });

  test.each([
    ["first: -1", "invalid-parameter"],
    ["first: 101", "invalid-parameter"],
    ["last: 101", "invalid-parameter"],
    ["first: 1, last: 1", "invalid-parameter"],
    ['after: "x"', "invalid-cursor"],
    ['before: ""', "invalid-cursor"],
  ])("%s is refused", async (args, code) => {
    const refused = await post({ query: `{ settlements(${args}) { nodes { kind } } }` });
    expect(refused.code).toBe(code);
    if (code !== "invalid-parameter") return;
    const [{ message, extensions }] = refused.answer.errors;
    const { parameter, value, rule } = extensions;
    expect(message).toBe(`${parameter}: "${value}": ${rule}`);
  });

  test("a cursor is valid only for its list, object, filter and order", async () => {
    const [one, two] = [A, nodeNamed("c").teeId];
    const { teeNode } = await ask(
      `{ teeNode(teeId: "${one}") { settlements(first: 1) { pageInfo { endCursor } } } }`,
    );
    const cursor = teeNode.settlements.pageInfo.endCursor;
    const below = (teeId: string, args: string) =>
      post({
        query: `{ teeNode(teeId: "${teeId}") { settlements(first: 1, after: "${cursor}"${args}) { nodes { kind } } } }`,
      });
    expect((await below(one, "")).code).toBeUndefined();
    expect((await below(two, "")).code).toBe("invalid-cursor");
    expect((await below(one, ", filter: { kind: BATCH }")).code).toBe("invalid-cursor");
    expect((await post({ query: `{ settlements(after: "${cursor}") { nodes { kind } } }` })).code).toBe(
      "invalid-cursor",
    );
  });

  test("totalCount is computed only when selected, and up to 10,000", async () => {
    const counting = (statements: readonly string[]) =>
      statements.filter((text) => /count\(\*\) as total from/.test(text));
    expect(counting(await statementsOf(() => ask("{ settlements { nodes { kind } } }")))).toEqual([]);
    const statements = await statementsOf(() => ask("{ settlements { totalCount totalCountAtLeast } }"));
    expect(counting(statements)).toHaveLength(1);
    expect(statements.filter((text) => /"claimedPayer"/.test(text))).toHaveLength(1);
    const before = (await ask("{ payments { totalCount } }")).payments.totalCount;
    const fill = (count: number, from: number) =>
      tables.client.query(
        `insert into base.payment (chain_id, block_number, log_index, scheme, method, token, payer, payee, amount,
           facilitator, paid_at, tx_hash, source)
         select 8453, 100, n, 'exact', 'permit2', '0x', '0x', '0x', 1, '0x', 1, '0x', 'call'
         from generate_series($1::int, $2::int) n`,
        [from, from + count - 1],
      );
    try {
      await fill(10_000 - before, 0);
      expect((await ask("{ payments { totalCount totalCountAtLeast } }")).payments).toEqual({
        totalCount: 10_000,
        totalCountAtLeast: 10_000,
      });
      await fill(1, 20_000);
      expect((await ask("{ payments { totalCount totalCountAtLeast } }")).payments).toEqual({
        totalCount: null,
        totalCountAtLeast: 10_000,
      });
    } finally {
      await tables.client.query("delete from base.payment where block_number = 100");
    }
  });
});

describe("nested fields", () => {
  const WALK = `query ($nodes: Int, $items: Int) {
    operators(first: 3, registry: "all") { nodes {
      address
      nodes(first: $nodes, filter: { registry: "all" }) { nodes {
        teeId
        operator { address payers }
        day: metrics { uptime inferences }
        all: metrics(window: ALL) { heartbeats }
        heartbeats(first: $items) { totalCount nodes { signedAt } }
        events(first: $items) { nodes { kind } }
        intervals(first: $items) { nodes { fromAt } }
        payments(first: $items) { nodes { organic payeeNodes(first: $items) { nodes { teeId } } } }
        settlements(first: $items) { nodes {
          verdict
          node { status publicKey }
          inference { model nodeAtSigning { status } settlements(first: $items) { nodes { eventId } } }
        } }
      } }
    } }
  }`;

  test("take a bounded number of statements, however many objects they visit", async () => {
    let small: Answer;
    let large: Answer;
    const few = await statementsOf(async () => {
      small = await ask(WALK, { nodes: 1, items: 1 });
    });
    const many = await statementsOf(async () => {
      large = await ask(WALK, { nodes: 3, items: 4 });
    });
    const visited = (answer: Answer) => JSON.stringify(answer).length;
    expect(visited(large)).toBeGreaterThan(4 * visited(small));
    expect(few.length).toBeLessThan(60);
    // how reads are batched depends on when they arrive; one statement for each object would be many times as many
    expect(many.length).toBeLessThan(1.5 * few.length);
  });

  test("give each object what it has alone", async () => {
    const { operators } = await ask(WALK, { nodes: 3, items: 4 });
    const nodes = operators.nodes.flatMap((operator: Answer) => operator.nodes.nodes);
    expect(nodes).toHaveLength(6);
    for (const node of nodes) {
      const { teeNode } = await ask(
        `query ($teeId: Hex!, $registry: Address) { teeNode(teeId: $teeId, registry: $registry) {
          operator { address payers } heartbeats(first: 4) { totalCount nodes { signedAt } }
          payments(first: 4) { nodes { organic payeeNodes(first: 4) { nodes { teeId } } } } } }`,
        {
          teeId: node.teeId,
          registry: node.teeId === nodeNamed("f").teeId ? address("registry-two") : REGISTRY,
        },
      );
      expect(node).toMatchObject(teeNode);
    }
    expect(
      nodes.some((node: Answer) => node.settlements.nodes.some((one: Answer) => one.inference?.model)),
    ).toBe(true);
  });

  test("below a past moment stay at that moment", async () => {
    const at = T0 + 41_500;
    const query = `query ($at: Timestamp) { teeNode(teeId: "${A}", at: $at) { id status
      settlements(first: 100) { totalCount nodes { settledAt node { id } } }
      payments(first: 40) { nodes { paidAt payerAccount { payments(first: 40) { nodes { paidAt } } } } } } }`;
    const past = (await ask(query, { at })).teeNode;
    const now = (await ask(query, { at: null })).teeNode;
    expect(past.id).not.toBe(now.id);
    expect(past.settlements.totalCount).toBeLessThan(now.settlements.totalCount);
    for (const { settledAt, node } of past.settlements.nodes) {
      expect(settledAt).toBeLessThanOrEqual(at);
      expect(node.id).toBe(past.id);
    }
    const paid = past.payments.nodes.flatMap((one: Answer) => [one, ...one.payerAccount.payments.nodes]);
    expect(paid.length).toBeGreaterThan(0);
    expect(Math.max(...paid.map((one: Answer) => one.paidAt))).toBeLessThanOrEqual(at);
    const late = await post({ query, variables: { at: HEAD + 1 } });
    expect(late.answer.errors[0]).toMatchObject({
      path: ["teeNode"],
      extensions: { code: "at-in-future", newestBlockTime: HEAD },
    });
  });
});

describe("ids", () => {
  test("find every object again, at the state they name", async () => {
    const data = await ask(`{
      teeNode(teeId: "${A}", at: ${T0 + 30_000}) { id operator { id } }
      settlements(first: 1) { nodes { id relayerAccount { id } } }
      inferences(first: 1) { nodes { id } }
      payments(first: 1) { nodes { id payerAccount { id } } }
      channels(first: 1) { nodes { id } }
    }`);
    const ids = [...JSON.stringify(data).matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(8);
    for (const id of ids) {
      const { node } = await ask("query ($id: ID!) { node(id: $id) { id __typename } }", { id });
      expect(node).toMatchObject({ id });
    }
    const { node } = await ask(
      "query ($id: ID!) { node(id: $id) { ... on TeeNode { teeId status lastHeartbeatAt } } }",
      { id: data.teeNode.id },
    );
    const { teeNode } = await ask(
      `{ teeNode(teeId: "${A}", at: ${T0 + 30_000}) { teeId status lastHeartbeatAt } }`,
    );
    expect(node).toEqual(teeNode);
  });

  const named = (text: string) => Buffer.from(text).toString("base64url");
  test.each([
    "",
    "nonsense",
    named("TeeNode"),
    named("TeeNode:x:y"),
    named(`TeeNode:${REGISTRY}:${A}:-1`),
    named(`TeeNode:${REGISTRY}:${A}:1:2`),
    named(`Nothing:${A}`),
    named("constructor:a"),
    named("__proto__:a"),
    named("Settlement:1-0x12-3"),
    named(`Operator:${REGISTRY}-x:${address("a")}`),
    named(`Operator:${REGISTRY}-${REGISTRY}:${address("a")}`),
    named(`Operator:${REGISTRY}-${OTHER_REGISTRY}:${address("a")}`),
  ])("%s is not an id", async (id) => {
    expect((await post({ query: "query ($id: ID!) { node(id: $id) { id } }", variables: { id } })).code).toBe(
      "invalid-parameter",
    );
  });

  test("of absent objects find nothing", async () => {
    for (const id of [
      `TeeNode:${REGISTRY}:${hash("none")}`,
      `Inference:${hash("none")}`,
      `Settlement:1-${hash("x")}-3`,
    ]) {
      expect(await ask("query ($id: ID!) { node(id: $id) { id } }", { id: named(id) })).toEqual({
        node: null,
      });
    }
  });
});

describe("limits", () => {
  test("cost: the refusal names the cost, the limit and what to reduce", async () => {
    const { response, answer, code } = await post({
      query: `query ($items: Int) { nodes(first: 100) { nodes { ...more } } }
        fragment more on TeeNode { settlements(first: $items) { edges { node { kind } } } }`,
      variables: { items: 90 },
    });
    expect([response.status, code]).toEqual([400, "query-too-costly"]);
    expect(answer.data).toBeUndefined();
    expect(answer.errors[0].extensions).toMatchObject({
      limit: 5_000,
      heaviest: { path: "nodes(first: 100).settlements(first: 90)", rows: 9_200 },
    });
    expect(answer.errors[0].message).toContain("nodes(first: 100).settlements(first: 90)");
    const cheap = await post({
      query:
        "query ($all: Boolean!) { nodes(first: 100) { nodes { settlements(first: 90) @include(if: $all) { totalCount } teeId } } }",
      variables: { all: false },
    });
    expect(cheap.code).toBeUndefined();
  });

  test("nested fragments are measured once and counted at every use", async () => {
    const levels = 25;
    const fragments = Array.from({ length: levels }, (_, level) =>
      level === levels - 1
        ? `fragment f${level} on Query { x${level}: settlements(first: 1) { totalCount } }`
        : `fragment f${level} on Query { ...f${level + 1} ...f${level + 1} }`,
    );
    const begun = performance.now();
    const { code } = await post({ query: `{ ...f0 } ${fragments.join(" ")}` });
    expect(code).toBe("query-too-costly");
    expect(performance.now() - begun).toBeLessThan(2_000);
  });

  test("depth, aliases, tokens, body and batches", async () => {
    const deep = (levels: number): string =>
      levels === 0 ? "address" : `nodes { nodes { operator { ${deep(levels - 1)} } } }`;
    expect(
      (await post({ query: `{ operator(address: "${address("x")}") { ${deep(6)} } }` })).answer.errors[0],
    ).toMatchObject({
      extensions: { code: "query-too-costly", used: 20, limit: 16 },
    });
    const aliases = Array.from({ length: 51 }, (_, index) => `a${index}: __typename`);
    expect((await post({ query: `{ ${aliases.join(" ")} }` })).answer.errors[0].extensions).toMatchObject({
      code: "query-too-costly",
      used: 51,
      limit: 50,
    });
    const tokens = await post({ query: `{ ${"__typename ".repeat(1_999)} } # comments are none` });
    expect(tokens.response.status).toBe(400);
    expect(tokens.answer.errors[0].extensions).toMatchObject({
      code: "query-too-costly",
      used: 2_001,
      limit: 2_000,
      requestId: tokens.response.headers.get("X-Request-Id"),
    });
    const fewest = await post({ query: `{ selectNodes(only: [${'"0x" '.repeat(1_988)}]) { seed } }` });
    expect(fewest.code).toBe("invalid-parameter");
    const body = await api.fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ query: `{ __typename } #${"x".repeat(200_000)}` }),
    });
    expect(body.status).toBe(413);
    const batch = await api.fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify([{ query: "{ __typename }" }, { query: "{ __typename }" }]),
    });
    expect(batch.status).toBe(400);
  });

  test("introspection is allowed, within limits", async () => {
    expect(
      (await ask("{ __schema { types { name fields { name description args { name } } } } }")).__schema.types
        .length,
    ).toBeGreaterThan(50);
    const deep = (levels: number): string =>
      levels === 0 ? "name" : `fields { type { ${deep(levels - 1)} } }`;
    expect((await post({ query: `{ __type(name: "TeeNode") { ${deep(6)} } }` })).code).toBe("invalid-query");
  });

  test("a statement that takes too long is cancelled", async () => {
    const blocker = new pg.Client({ connectionString: database.url });
    await blocker.connect();
    await blocker.query("begin; lock table og.onchain_inference in access exclusive mode");
    try {
      const begun = performance.now();
      const { response, answer, code } = await post({
        query: "{ nodes(first: 1) { nodes { teeId } } onchainInferences { nodes { kind } } }",
      });
      expect([response.status, code]).toEqual([503, "timeout"]);
      expect(answer.data).toBeUndefined();
      expect(response.headers.get("Retry-After")).toBe("5");
      const took = performance.now() - begun;
      expect(took).toBeGreaterThan(1_500);
      expect(took).toBeLessThan(3_500);
    } finally {
      await blocker.end();
    }
  });
});

describe("errors", () => {
  test.each([
    ['{ nodes(filter: { owner: "0x12" }) { nodes { teeId } } }', "invalid-query", "20-byte address"],
    ['{ nodes(filter: { pcrHash: "0x12" }) { nodes { teeId } } }', "invalid-parameter", "32-byte hash"],
    ['{ nodes(filter: { pcrHash: "0x123" }) { nodes { teeId } } }', "invalid-query", "even number"],
    ["{ nodes(at: -1) { nodes { teeId } } }", "invalid-query", "unix seconds"],
    ["{ nodes(at: 1.5) { nodes { teeId } } }", "invalid-query", "unix seconds"],
    ['{ settlement(eventId: "x") { kind } }', "invalid-parameter", "chainId-txHash-logIndex"],
    ["{ nothing }", "invalid-query", "nothing"],
    ["{ nodes {", "invalid-query", "Syntax Error"],
    ["query A { __typename } query B { __typename }", "invalid-query", "operation"],
    ["query ($x: Hex!) { teeNode(teeId: $x) { teeId } }", "invalid-query", "$x"],
    [
      `{ teeNode(teeId: "${A}") { settlements(filter: { teeId: "${hash("x")}" }) { totalCount } } }`,
      "invalid-parameter",
      "leave the filter out",
    ],
    ["mutation { x }", "invalid-query", "mutation"],
  ])("%s", async (query, code, message) => {
    const { answer } = await post({ query });
    expect(answer.errors[0].extensions.code).toBe(code);
    expect(answer.errors[0].message).toContain(message);
  });

  test("that are unexpected reveal only a request id", async () => {
    await tables.client.query("alter table og.settlement rename column relay to relay_gone");
    try {
      const { response, answer } = await post({
        query: "{ nodes { nodes { teeId } } settlements { nodes { kind } } }",
      });
      expect(response.status).toBe(500);
      expect(answer).toEqual({
        errors: [
          {
            message: expect.stringContaining("requestId"),
            extensions: { code: "internal", requestId: response.headers.get("X-Request-Id") },
          },
        ],
      });
      expect(api.log.join()).toContain(answer.errors[0].extensions.requestId);
      expect(api.log.join()).toContain("relay");
    } finally {
      await tables.client.query("alter table og.settlement rename column relay_gone to relay");
    }
  });

  test("staleness is refused for every kind of request", async () => {
    const query = "{ settlements { nodes { kind } } }";
    const stale = await post({ query, extensions: { maxLag: 6 } });
    expect([stale.response.status, stale.code]).toEqual([503, "stale"]);
    expect(stale.answer.errors[0].extensions).toMatchObject({ lagSeconds: 7, maxLag: 6 });
    expect(stale.response.headers.get("Retry-After")).toBe("5");
    expect(stale.response.headers.get("OG-Lag-Seconds")).toBe("7");
    expect((await post({ query }, "?maxLag=6")).code).toBe("stale");
    expect((await post({ query }, "?maxLag=7")).code).toBeUndefined();
    expect((await post({ query }, "?maxLag=x")).code).toBe("invalid-parameter");
    expect((await post({ query }, "?colour=red")).code).toBe("invalid-parameter");
  });
});

describe("over HTTP", () => {
  test("GET is cacheable by state; HEAD is GET without the body", async () => {
    const query = "{ settlements(first: 1) { nodes { kind } } }";
    const response = await get(query);
    const tag = response.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^W\/"/);
    expect(response.headers.get("Cache-Control")).toBe("public, max-age=1");
    const again = await get(query, { "If-None-Match": tag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    expect(again.headers.get("OG-Block")).toBe(String(HEAD_BLOCK));
    const statements = await statementsOf(() => get(query, { "If-None-Match": tag }));
    expect(statements.join()).not.toContain("og.settlement");
    expect((await get(query, { "If-None-Match": tag }, { maxLag: "60" })).status).toBe(304);
    expect((await get(query, { "If-None-Match": tag }, { maxLag: "1" })).status).toBe(503);
    expect((await get("{ settlements(first: 2) { nodes { kind } } }", { "If-None-Match": tag })).status).toBe(
      200,
    );
    await tables.setHead("og", HEAD_BLOCK + 1, HEAD + 1);
    expect((await get(query, { "If-None-Match": tag })).status).toBe(200);
    const head = await api.fetch(`/graphql?${new URLSearchParams({ query })}`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    expect(head.headers.get("ETag")).not.toBeNull();
  });

  test("answers that change with the clock or failed in part are not cacheable", async () => {
    for (const query of ["{ status { version } }", "{ nodes(first: 101) { nodes { teeId } } }"]) {
      const response = await get(query);
      expect([response.status, response.headers.get("ETag"), response.headers.get("Cache-Control")]).toEqual([
        200,
        null,
        "no-store",
      ]);
    }
  });

  test("a persisted query is requested by its hash", async () => {
    const query = "query Kinds($n: Int) { settlements(first: $n) { nodes { kind } } }";
    const sha256Hash = createHash("sha256").update(query).digest("hex");
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash } });
    const short = `/graphql?${new URLSearchParams({ extensions, variables: '{"n":2}' })}`;
    const unknown = await api.get(short);
    expect((await unknown.json()).errors[0].extensions.code).toBe("PERSISTED_QUERY_NOT_FOUND");
    expect((await post({ query, extensions: JSON.parse(extensions) })).code).toBeUndefined();
    const response = await api.get(short);
    expect((await response.json()).data.settlements.nodes).toHaveLength(2);
    const tag = response.headers.get("ETag") ?? "";
    expect((await api.get(short, { "If-None-Match": tag })).status).toBe(304);
    const wrong = await post({ query: "{ __typename }", extensions: JSON.parse(extensions) });
    expect(wrong.code).toBe("PERSISTED_QUERY_MISMATCH");
  });

  test("errors in GraphQL's own media type have a matching status", async () => {
    const ofType = async (query: string) => {
      const response = await api.fetch("/graphql", {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
        body: JSON.stringify({ query }),
      });
      return [response.status, response.headers.get("Content-Type")];
    };
    expect(await ofType("{ __typename }")).toEqual([200, "application/graphql-response+json; charset=utf-8"]);
    expect((await ofType("{ nothing }"))[0]).toBe(400);
    expect((await ofType("{ nodes(first: 101) { nodes { teeId } } }"))[0]).toBe(200);
  });

  test.each([
    [
      '{ nodes(filter: { owner: "0x1" }) { nodes { teeId } } }',
      {},
      'Address: "0x1" is not a 20-byte address',
    ],
    ["{ nodes(filter: { owner: 5 }) { nodes { teeId } } }", {}, "Address: 5 is not a 20-byte address"],
    ["{ nodes(at: -1) { nodes { teeId } } }", {}, "Timestamp: -1 is not a time in unix seconds"],
    ['{ nodes(at: "now") { nodes { teeId } } }', {}, 'Timestamp: "now" is not a time in unix seconds'],
    [
      "query ($owner: Address) { nodes(filter: { owner: $owner }) { nodes { teeId } } }",
      { owner: "0x1" },
      'Variable "$owner" got invalid value "0x1"; Address: "0x1" is not a 20-byte address',
    ],
  ])("an invalid value is refused with its location: %s", async (query, variables, says) => {
    const { answer } = await post({ query, variables });
    expect(answer.errors[0].message).toContain(says);
    expect(answer.errors[0].locations).toHaveLength(1);
  });

  test("a malformed GraphQL request is refused with a reason, and not logged as a failure", async () => {
    const logged = api.log.length;
    const byUrl = await api.get("/graphql?query={__typename}&variables={n");
    expect(byUrl.status).toBe(400);
    expect((await byUrl.json()).errors[0].extensions).toMatchObject({
      code: "invalid-parameter",
      parameter: "variables",
      value: "{n",
      rule: "a JSON object",
    });
    const send = (type: string, body: string) =>
      api.fetch("/graphql", { method: "POST", headers: { "Content-Type": type }, body });
    for (const [response, status] of [
      [await api.get("/graphql?query={__typename}&extensions=[]"), 400],
      [await send("text/plain", "{ __typename }"), 415],
      [await send("application/json", "{}"), 400],
      [await send("application/json", '{"query":"{ __typename }","variables":7}'), 400],
    ] as const) {
      expect(response.status).toBe(status);
      expect(response.headers.get("Allow")).toBeNull();
      const { errors } = await response.json();
      expect(errors[0].message).not.toBe("");
    }
    expect(api.log).toHaveLength(logged);
  });

  test("through a real server, from another origin", async () => {
    const server = createServer(getRequestListener((request) => api.handler(request)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo; // it listens on TCP
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Origin: "http://elsewhere" },
        body: JSON.stringify({ query: "{ nodes(first: 2) { nodes { teeId } } }" }),
      });
      expect((await response.json()).data.nodes.nodes).toHaveLength(2);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
      const preflight = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: "OPTIONS",
        headers: {
          Origin: "http://elsewhere",
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type",
        },
      });
      expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("POST");
      expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("content-type");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test("a browser gets GraphiQL with the examples, and nothing from another origin", async () => {
    const response = await api.get("/graphql", { Accept: "text/html,application/xhtml+xml" });
    expect(response.headers.get("Content-Type")).toContain("text/html");
    const page = await response.text();
    const tags = page.replace(/(<script\b[^>]*>)[\s\S]*?(?=<\/script>)/g, "$1");
    expect(page.includes("query Select(")).toBe(true);
    expect(page).not.toMatch(/unpkg\.com|jsdelivr|cdn\./);
    const loaded = [...tags.matchAll(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="?([^"\s>]+)/g)].map(
      ([, url]) => url,
    );
    expect(loaded.filter((url) => !url?.startsWith("data:"))).toEqual([]);

    const compressed = await api.get("/graphql", { Accept: "text/html", "Accept-Encoding": "gzip, br;q=0" });
    expect(compressed.headers.get("Content-Encoding")).toBe("gzip");
    expect(gunzipSync(await compressed.arrayBuffer()).toString()).toBe(page);
    const tag = compressed.headers.get("ETag") ?? "";
    expect(response.headers.get("ETag")).toBe(tag);
    const again = await api.get("/graphql", { Accept: "text/html", "If-None-Match": tag });
    expect([again.status, again.headers.get("Vary")]).toEqual([304, "Accept, Accept-Encoding"]);
  });
});

describe("the examples", () => {
  const { inputHash } = { inputHash: hash("in0") };
  const VARIABLES: Readonly<Record<string, unknown>> = {
    teeId: A,
    at: T0 + 50_000,
    inputHash,
    relayer: address("settler"),
    payer: address("payer-a"),
  };

  test("are at least ten, each with a question and a name", () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(10);
    for (const { query } of EXAMPLES) expect(query).toMatch(/^# .*\?|^# .*\.\nquery [A-Z]/m);
  });

  test.each(EXAMPLES.map((example) => [/query (\w+)/.exec(example.query)?.[1], example] as const))(
    "%s answers",
    async (_, { query, variables }) => {
      await api.refresh();
      const { answer: blank } = await post({ query, variables });
      expect(blank.errors).toBeUndefined();
      const { items } = await api.json("/v1/settlements?kind=batch&verdict=partial");
      const known = { ...VARIABLES, merkleRoot: items[0].merkleRoot };
      const filled = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [name, Reflect.get(known, name) ?? value]),
      );
      const data = await ask(query, filled);
      const [root] = Object.values(data) as Answer[];
      expect(root).not.toBeNull();
      // A selection may be empty, and then has the reasons.
      const shown = [...(root.nodes ?? [root]), ...(root.excluded ?? [])];
      expect(shown.length).toBeGreaterThan(0);
    },
  );
});

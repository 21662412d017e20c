/** Cursors and ids are untrusted input: a forged one is refused or harmless, and costs no more than a page. */
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { EventClient } from "../../testing/eventClient.ts";
import { forgedCursors, forgedIds } from "../../testing/fuzz/forged.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD } from "../../testing/worlds/networkWorld.ts";

/** The statements of one request, whatever its cursor. */
const MAX_STATEMENTS = 40;
/** The exponentials that scoring computes for one request: some for each day of each node's life. */
const MAX_EXPONENTIALS = 200_000;

const REST_LISTS = [
  "/v1/nodes",
  "/v1/nodes?sort=score",
  "/v1/nodes?sort=uptime",
  "/v1/nodes?sort=inferences",
  "/v1/settlements",
  "/v1/inferences",
  "/v1/models",
  "/v1/models?sort=inferences",
  "/v1/onchain-inferences",
  "/v1/payments",
  "/v1/channels",
  "/v1/operators",
  "/v1/pcrs",
  "/v1/tee-types",
];
const GRAPH_LISTS = [
  "nodes",
  "nodes(sort: INFERENCES)",
  "nodes(sort: SCORE)",
  "settlements",
  "inferences",
  "models",
  "onchainInferences",
  "payments",
  "channels",
  "operators",
  "pcrs",
  "teeTypes",
];
const REFUSED = new Set(["invalid-cursor", "cursor-expired"]);

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.refresh();
  await api.publish();
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});
afterEach(() => vi.restoreAllMocks());

/** Runs a request and checks the bounds. */
async function bounded<T>(what: string, request: () => Promise<T>): Promise<T> {
  const statements = vi.spyOn(pg.Client.prototype, "query");
  const exponentials = vi.spyOn(Math, "exp");
  const result = await request();
  expect(statements.mock.calls.length, what).toBeLessThanOrEqual(MAX_STATEMENTS);
  expect(exponentials.mock.calls.length, what).toBeLessThanOrEqual(MAX_EXPONENTIALS);
  statements.mockRestore();
  exponentials.mockRestore();
  return result;
}

const withArgument = (list: string, name: string, value: string) =>
  `${list}${list.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;

async function graphql(query: string, variables: object = {}) {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  expect(response.status).toBeLessThan(500);
  return response.json();
}

const graphPage = (list: string, argument: string) =>
  list.includes("(") ? list.replace(")", `, ${argument})`) : `${list}(${argument})`;

async function firstCursor(list: string): Promise<string | null> {
  return (await api.json(`${list}${list.includes("?") ? "&" : "?"}limit=1`)).pageInfo.endCursor;
}

describe("cursors", () => {
  test.each(REST_LISTS)("%s", async (list) => {
    const cursor = await firstCursor(list);
    if (cursor === null) throw new Error(`${list} has no page`);
    expect((await api.get(withArgument(list, "after", cursor))).status).toBe(200);
    for (const { what, text, mayHold } of forgedCursors(cursor)) {
      const response = await bounded(`${list} ${what}`, () => api.get(withArgument(list, "after", text)));
      const body = await response.text();
      expect(mayHold ? [200, 400, 410] : [400, 410], `${list} ${what}: ${body.slice(0, 300)}`).toContain(
        response.status,
      );
    }
    expect(api.log).toEqual([]);
  });

  test.each(GRAPH_LISTS)("GraphQL %s", async (list) => {
    const { data } = await graphql(`{ list: ${graphPage(list, "first: 1")} { pageInfo { endCursor } } }`);
    const query = `query ($after: String) { list: ${graphPage(list, "first: 1, after: $after")} { pageInfo { endCursor } } }`;
    const after: string = data.list.pageInfo.endCursor;
    expect((await graphql(query, { after })).errors).toBeUndefined();
    for (const { what, text, mayHold } of forgedCursors(after)) {
      const { errors } = await bounded(`${list} ${what}`, () => graphql(query, { after: text }));
      if (mayHold && errors === undefined) continue;
      expect(
        (errors ?? []).map(({ extensions }: { extensions: { code: string } }) => extensions.code),
        `${list} ${what}`,
      ).toEqual([expect.toSatisfy((code) => REFUSED.has(code))]);
    }
    expect(api.log).toEqual([]);
  });
});

test("ids", async () => {
  const { items } = await api.json("/v1/settlements?limit=1");
  const { id } = items[0];
  const { data } = await graphql("{ settlements(first: 1) { nodes { id } } }");
  const globalId: string = data.settlements.nodes[0].id;
  for (const text of forgedIds(id)) {
    const response = await bounded(text, () => api.get(`/v1/settlements/${encodeURIComponent(text)}`));
    expect([400, 404], text).toContain(response.status);
    const { errors, data: found } = await bounded(text, () =>
      graphql("query ($id: String!) { settlement(eventId: $id) { kind } }", { id: text }),
    );
    expect(found?.settlement ?? null, text).toBeNull();
    for (const error of errors ?? []) expect(error.extensions.code, text).toBe("invalid-parameter");
  }
  const inside = Buffer.from(globalId, "base64url").toString();
  const packed = (text: string) => Buffer.from(text).toString("base64url");
  for (const text of [...forgedIds(globalId), ...forgedIds(inside).map(packed)]) {
    const { errors, data: found } = await bounded(text, () =>
      graphql("query ($id: ID!) { node(id: $id) { id } }", { id: text }),
    );
    expect(found?.node ?? null, text).toBeNull();
    for (const error of errors ?? [])
      expect(["invalid-parameter", "at-in-future"], text).toContain(error.extensions.code);
  }
  expect(api.log).toEqual([]);
});

test("ids of streamed events", async () => {
  const client = new EventClient(await api.get("/v1/stream"));
  await client.until(() => client.lastEventId !== "");
  await client.close();
  for (const text of forgedIds(client.lastEventId)) {
    const response = await bounded(text, () => api.get(withArgument("/v1/stream", "after", text)));
    expect([200, 400], text).toContain(response.status);
    await response.body?.cancel();
  }
  expect(api.log).toEqual([]);
});

/** The newest indexed block. */
async function head(): Promise<{ readonly block: number; readonly time: number }> {
  const { headers } = await api.get("/v1/settlements?limit=1");
  return { block: Number(headers.get("OG-Block")), time: Number(headers.get("OG-Block-Time")) };
}

test("the time in a cursor of an empty block is checked against the stored blocks on either side", async () => {
  const { block, time } = await head();
  const [last] = (
    await tables.client.query("select number::int, timestamp::int from og.block order by number desc limit 1")
  ).rows;
  expect(block).toBeGreaterThan(last.number);
  const cursor = (await firstCursor("/v1/settlements")) ?? "";
  const ask = async (given: number) => {
    const said = JSON.parse(Buffer.from(cursor, "base64url").toString());
    expect(said.og.slice(0, 3)).toEqual([block, time, last.number]);
    said.og[1] = given;
    const after = Buffer.from(JSON.stringify(said)).toString("base64url");
    const response = await api.get(`/v1/settlements?limit=1&after=${after}`);
    return response.status === 200 ? Number(response.headers.get("OG-Block-Time")) : response.status;
  };
  // The newest block has one time.
  expect(await ask(time)).toBe(time);
  for (const off of [-1, 1]) expect(await ask(time + off)).toBe(410);

  await tables.block("og", block + 3, time + 20);
  await tables.setHead("og", block + 5, time + 30);
  for (const possible of [last.timestamp, time, time + 20]) expect(await ask(possible)).toBe(possible);
  for (const other of [0, last.timestamp - 1, time + 21, time + 30, 2 ** 40, 2 ** 53 - 1])
    expect(await ask(other)).toBe(410);
});

test("a cursor of a block with an event carries no time, and works at any process", async () => {
  const { block, time } = await head();
  await tables.block("og", block + 1, time + 3);
  await tables.setHead("og", block + 1, time + 3);
  const cursor = (await firstCursor("/v1/nodes")) ?? "";
  const { og } = JSON.parse(Buffer.from(cursor, "base64url").toString());
  expect(og).toEqual([block + 1, expect.stringMatching(/^0x/)]);
  await tables.setHead("og", block + 9, time + 27);
  const other = createTestApi(database.url);
  try {
    other.now = api.now;
    const pages = [];
    for (const process of [api, other]) {
      const response = await process.get(`/v1/nodes?limit=1&after=${cursor}`);
      expect(response.headers.get("OG-Block-Time")).toBe(String(time + 3));
      pages.push([response.headers.get("ETag"), await response.text()]);
    }
    expect(pages[0]).toEqual(pages[1]);
  } finally {
    await other.close();
  }
});

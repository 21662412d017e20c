import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { statementsOf } from "../../testing/statements.ts";
import { createTestApi, OPG, type TestApi } from "../../testing/testApi.ts";
import { address, BASE_CHAIN_ID, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD } from "../../testing/worlds/networkWorld.ts";

const KNOWN = { address: OPG, symbol: 'OPG, "the"', decimals: 17 };
/** Its contract has not been read. */
const UNKNOWN = { address: address("other-token"), symbol: null, decimals: null };
const expected = (token: string) => (token === OPG ? KNOWN : UNKNOWN);
const PAYER = address("payer-a");
const OWNER = address("owner-a");

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

const tell = (chainId: number, symbol: string | null, decimals: number | null) =>
  tables.insert("observations", "token", {
    ...{ chainId, symbol, decimals },
    address: OPG,
    blockHash: hash("b"),
  });
const forget = () => tables.client.query("delete from observations.token");

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.refresh();
});
beforeEach(async () => {
  await forget();
  await tell(BASE_CHAIN_ID, KNOWN.symbol, KNOWN.decimals);
  await tell(BASE_CHAIN_ID + 1, "another chain's", 3);
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

interface Bearer {
  readonly token: string;
  readonly tokenInfo?: unknown;
}
/** Every object with a token, anywhere in an answer. */
function bearersOf(value: unknown): readonly Bearer[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "token" in value && typeof value.token === "string" ? [value as Bearer] : [];
  return [...own, ...Object.values(value).flatMap(bearersOf)];
}
async function nodeId(): Promise<string> {
  const { items } = await api.json("/v1/nodes");
  const earning = items.find((node: { metrics: { "24h": { revenue: unknown[] | null } } }) =>
    Boolean(node.metrics["24h"].revenue?.length),
  );
  return (earning ?? items[0]).teeId;
}

describe("include=token adds the token's symbol and decimals to", () => {
  const paths: Readonly<Record<string, () => string | Promise<string>>> = {
    payments: () => "/v1/payments?limit=50",
    channels: () => "/v1/channels?limit=50",
    "a channel": async () => `/v1/channels/${(await api.json("/v1/channels")).items[0].channelId}?`,
    "a payer": () => `/v1/payers/${PAYER}?`,
    operators: () => "/v1/operators?limit=50",
    "an operator": () => `/v1/operators/${OWNER}?`,
    "the network": () => "/v1/network?",
    nodes: () => "/v1/nodes?limit=50",
    "a node": async () => `/v1/nodes/${await nodeId()}?`,
    "series of volumes": () => "/v1/network/series?metric=volume&interval=day",
    "series of a node's revenue": async () =>
      `/v1/nodes/${await nodeId()}/series?metric=revenue&interval=day`,
  };
  test.each(Object.entries(paths))("%s", async (_, pathOf) => {
    const path = await pathOf();
    const plain = await api.json(path);
    const told = await api.json(`${path}&include=token`);
    const bearers = bearersOf(told);
    expect(bearers.length).toBeGreaterThan(0);
    for (const { token, tokenInfo } of bearers) expect(tokenInfo).toEqual(expected(token));
    for (const { tokenInfo } of bearersOf(plain)) expect(tokenInfo).toBeUndefined();
    const without = JSON.parse(
      JSON.stringify(told, (key, value) => (key === "tokenInfo" ? undefined : value)),
    );
    expect(without).toEqual(JSON.parse(JSON.stringify(plain)));
  });
});

test("tokens are read in one statement, however many there are", async () => {
  const statements = await statementsOf(() => api.json("/v1/payments?include=token&limit=50"));
  expect(statements.filter((text) => text.includes("observations.token"))).toHaveLength(1);
});

test("a walk over all pages includes them too, in each format", async () => {
  const text = await (await api.get("/v1/payments?include=token&all=true&limit=3&format=ndjson")).text();
  const lines: readonly Bearer[] = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.length).toBeGreaterThan(3);
  for (const { token, tokenInfo } of lines) expect(tokenInfo).toEqual(expected(token));
});

test("in CSV they are three columns, and none without include=token", async () => {
  const csv = async (path: string) => (await (await api.get(path)).text()).split("\n");
  const [header = "", ...rows] = await csv("/v1/payments?format=csv&include=token");
  expect(header).toContain(",tokenInfo.address,tokenInfo.symbol,tokenInfo.decimals");
  expect(rows.some((row) => row.includes(`,${OPG},"OPG, ""the""",17`))).toBe(true);
  expect(rows.some((row) => row.includes(`,${UNKNOWN.address},,`))).toBe(true);
  expect((await csv("/v1/payments?format=csv"))[0]).not.toContain("tokenInfo");
  const series = await csv("/v1/network/series?metric=volume&interval=day&format=csv&include=token");
  expect(series.join("")).toContain('""decimals"":17');
});

test("a cursor is valid with and without include=token", async () => {
  const { pageInfo } = await api.json("/v1/payments?limit=2");
  const { items } = await api.json(`/v1/payments?limit=2&include=token&after=${pageInfo.endCursor}`);
  expect(items[0].tokenInfo).toEqual(expected(items[0].token));
});

test("the network lists them in the order of its volumes", async () => {
  const { tokens, volume } = await api.json("/v1/network");
  expect(tokens).toEqual(volume.map(({ token }: Bearer) => expected(token)));
  expect(tokens).toContainEqual(KNOWN);
  expect(tokens).toContainEqual(UNKNOWN);
});

test("routes without tokens refuse include=token", async () => {
  for (const path of ["/v1/settlements", "/v1/models"])
    expect((await api.get(`${path}?include=token`)).status).toBe(400);
  expect((await api.get("/v1/payments?include=tokens")).status).toBe(400);
});

test("an answer of Base alone changes its entity tag once a token is known", async () => {
  await forget();
  for (const path of ["/v1/payments?include=token", "/v1/channels?include=token"]) {
    const before = await api.get(path);
    const etag = before.headers.get("ETag") ?? "";
    expect((await api.get(path, { "If-None-Match": etag })).status).toBe(304);
    await tell(BASE_CHAIN_ID, "NEW", 18);
    const after = await api.get(path, { "If-None-Match": etag });
    expect(after.status).toBe(200);
    expect(
      (await after.json()).items.map(({ tokenInfo }: { tokenInfo: { symbol: string } }) => tokenInfo.symbol),
    ).toContain("NEW");
    await forget();
  }
});

describe("GraphQL", () => {
  const graph = async (query: string) => {
    const response = await api.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = await response.json();
    expect(errors).toBeUndefined();
    return data;
  };
  const TOKEN = "token tokenInfo { address symbol decimals }";

  test("has the object beside every token, read once per request", async () => {
    let data: unknown;
    const statements = await statementsOf(async () => {
      data = await graph(`{
        payments(first: 20) { nodes { ${TOKEN} } }
        channels(first: 5) { nodes { ${TOKEN} } }
        operators(first: 3) { nodes { revenue { ${TOKEN} } } }
        network { volume { ${TOKEN} } }
        payer(address: "${PAYER}") { record { spending { ${TOKEN} } operators { ${TOKEN} } payees { ${TOKEN} } } }
        networkSeries(metric: VOLUME, interval: DAY) { tokens { ${TOKEN} } }
        nodes(first: 5) { nodes { metrics(window: ALL) { revenue { ${TOKEN} } } } }
      }`);
    });
    const bearers = bearersOf(data);
    expect(bearers.length).toBeGreaterThan(30);
    for (const { token, tokenInfo } of bearers) expect(tokenInfo).toEqual(expected(token));
    const reads = statements.filter((text) => text.includes("observations.token")).length;
    expect(reads).toBeLessThanOrEqual(2);
  });

  test("has the network's tokens as REST has them", async () => {
    const { network } = await graph("{ network { tokens { address symbol decimals } } }");
    expect(network.tokens).toEqual((await api.json("/v1/network")).tokens);
  });
});

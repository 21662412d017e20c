/** Variants of input that clients send: letter case of hex, trailing slashes, units of time, and look-ups by filter. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, OWNERS } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed, REGISTRY } from "../../testing/worlds/registryHistory.ts";

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

const A = nodeNamed("a").teeId;
const OWNER = address(OWNERS[0]);
const SETTLEMENT = `10740-${hash("settle0")}-0`;
const shout = (text: string) => text.toUpperCase();

async function graph(query: string) {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  return (await response.json()) as any;
}

describe("hex in any letter case, prefix included", () => {
  test.each([
    ["/v1/nodes/", A, ""],
    ["/v1/nodes/", A, "/heartbeats"],
    ["/v1/nodes/", A, "/series?metric=uptime&interval=hour"],
    ["/v1/settlements/", SETTLEMENT, ""],
    ["/v1/operators/", OWNER, ""],
    ["/v1/channels/", hash("channel0"), ""],
    ["/v1/nodes?owner=", OWNER, ""],
    ["/v1/nodes?registry=", REGISTRY, ""],
    ["/v1/settlements?txHash=", hash("settle0"), ""],
    ["/v1/payments?payee=", address("pay-a"), ""],
    ["/v1/select?seed=s&only=", A, ""],
    ["/v1/select?seed=s&excludeOwner=", OWNER, ""],
  ])("%s%s%s has the same entity tag", async (before, id, after) => {
    await api.refresh();
    const plain = await api.get(`${before}${id}${after}`);
    const shouted = await api.get(`${before}${shout(id)}${after}`);
    expect(plain.status).toBe(200);
    expect(shouted.status).toBe(200);
    expect(shouted.headers.get("ETag")).toBe(plain.headers.get("ETag"));
    expect(await shouted.text()).toBe(await plain.text());
  });

  test("a cursor is valid however the path is spelled", async () => {
    const path = (id: string) => `/v1/nodes/${id}/heartbeats?limit=1`;
    const { pageInfo } = await api.json(path(A));
    const next = await api.json(`${path(A)}&after=${pageInfo.endCursor}`);
    expect(await api.json(`${path(shout(A))}&after=${pageInfo.endCursor}`)).toEqual(next);
  });

  test("GraphQL takes it too", async () => {
    const query = (
      teeId: string,
      owner: string,
    ) => `{ nodes(first: 5, filter: { owner: "${owner}" }) { nodes { teeId } }
      teeNode(teeId: "${teeId}") { teeId owner } }`;
    const plain = await graph(query(A, OWNER));
    expect(plain.errors).toBeUndefined();
    expect(await graph(query(shout(A), shout(OWNER)))).toEqual(plain);
  });
});

describe("times", () => {
  const YEAR_3000 = 32_503_680_000;
  test.each([
    "/v1/nodes?at=",
    `/v1/nodes/${A}?at=`,
    "/v1/settlements?from=",
    "/v1/settlements?to=",
    "/v1/payments?from=",
    "/v1/inferences?to=",
    "/v1/models?from=",
    "/v1/pcrs?at=",
    "/v1/channels?from=",
    "/v1/onchain-inferences?from=",
    "/v1/network/series?metric=payments&interval=hour&to=",
    `/v1/nodes/${A}/series?metric=uptime&interval=hour&from=`,
    `/v1/nodes/${A}/intervals?from=`,
  ])("%s suggests seconds for a time beyond the year 3000", async (path) => {
    for (const [time, hint] of [
      [HEAD * 1_000, "milliseconds: divide by 1000"],
      [YEAR_3000 + 1, "milliseconds: divide by 1000"],
      [`${HEAD}000000`, "microseconds"],
      [`${HEAD}000000000`, "nanoseconds"],
    ]) {
      const response = await api.get(`${path}${time}`);
      const body = await response.json();
      expect([response.status, body.code]).toEqual([400, "invalid-parameter"]);
      expect(body.detail).toContain(hint);
      expect(body.value).toBe(String(time));
    }
  });

  test.each(["-1", "1.5", "1e9", "+5", "", "0x10", " 5", "9".repeat(40)])(
    "%j is refused as a time",
    async (time) => {
      const response = await api.get(`/v1/settlements?from=${encodeURIComponent(time)}`);
      expect(response.status).toBe(400);
      expect((await response.json()).parameter).toBe("from");
    },
  );

  test("the last second of the year 2999 is accepted", async () => {
    const { items } = await api.json(`/v1/settlements?to=${YEAR_3000}&limit=1`);
    expect(items).toHaveLength(1);
  });

  test("GraphQL refuses milliseconds in a literal and in a variable", async () => {
    const literal = await graph(`{ settlements(filter: { from: ${HEAD * 1_000} }) { nodes { kind } } }`);
    expect(literal.errors[0].message).toContain("divide by 1000");
    const response = await api.fetch("/graphql", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        query: "query ($at: Timestamp) { nodes(at: $at) { nodes { teeId } } }",
        variables: { at: HEAD * 1_000 },
      }),
    });
    expect(await response.text()).toContain("divide by 1000");
  });
});

describe("a trailing slash", () => {
  const ask = (url: string, method = "GET") => api.handler(new Request(url, { method }));

  test.each([
    ["/v1/nodes/?limit=1", "/v1/nodes?limit=1"],
    [`/v1/nodes/${A}//`, `/v1/nodes/${A}`],
    ["/health/", "/health"],
    ["//", "/"],
    ["//evil.example/", "/evil.example"],
  ])("%s redirects to %s", async (path, location) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await ask(`http://api.test${path}`, method);
      expect([response.status, response.headers.get("Location")]).toEqual([308, location]);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    }
  });

  test("a POST is redirected as a POST", async () => {
    const response = await ask("http://api.test/graphql/", "POST");
    expect([response.status, response.headers.get("Location")]).toEqual([308, "/graphql"]);
  });

  test("/ is not redirected", async () => {
    expect((await ask("http://api.test/")).status).not.toBe(308);
  });
});

describe("filters", () => {
  test("an impossible blob id is refused by REST and GraphQL", async () => {
    expect((await api.get("/v1/settlements?blobId=abc")).status).toBe(400);
    const { errors } = await graph('{ settlements(filter: { blobId: "abc" }) { nodes { kind } } }');
    expect(errors[0].extensions.code).toBe("invalid-parameter");
  });

  test("every look-up uses an index", async () => {
    await tables.client.query(`
      insert into og.settlement (chain_id, block_number, log_index, relay, kind, event_signature, tx_hash, settled_at, relayer,
        blob_id)
      select 10740, 1, n, '0x', 'legacy', '', 'tx' || n, 0, '0x', lpad(n::text, 43, '0') from generate_series(10, 20000) n;
      insert into base.payment (chain_id, block_number, log_index, scheme, method, token, payer, payee, amount, facilitator,
        paid_at, tx_hash, source)
      select 8453, 1, n, 'exact', 'permit2', '0x', '0x', '0x', 1, 'facilitator' || n % 1000, 0, 'tx' || n, 'call'
      from generate_series(10, 20000) n;
      analyze og.settlement, base.payment`);
    for (const [path, scanned] of [
      [`/v1/settlements?blobId=${"c".repeat(43)}`, "settlement_blob_id_block_number_log_index_index"],
      [
        `/v1/settlements?blobId=${"c".repeat(43)}&verdict=invalid`,
        "settlement_blob_id_block_number_log_index_index",
      ],
      [`/v1/settlements?txHash=${hash("settle0")}`, "settlement_tx_hash_index"],
      [`/v1/settlements?txHash=${hash("settle0")}&verdict=partial`, "settlement_tx_hash_index"],
      [`/v1/payments?facilitator=${address("nobody")}`, "payment_facilitator_block_number_log_index_index"],
    ] as const) {
      const plans = await plansOf(() => api.json(path));
      const ofTable = plans.filter((plan) => /Scan.* on (settlement|payment) /.test(plan));
      expect(ofTable.length, path).toBeGreaterThan(0);
      for (const plan of ofTable) {
        expect(plan, path).toContain(scanned);
        expect(plan, path).not.toMatch(/Seq Scan on (settlement|payment) /);
      }
    }
  });
});

/** The query plans of the statements that a request runs. */
async function plansOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const query = vi.spyOn(pg.Client.prototype, "query");
  const statements: { readonly text: string; readonly values: unknown[] }[] = [];
  try {
    await work();
    for (const [given, values] of query.mock.calls as unknown as [unknown, unknown[] | undefined][])
      if (typeof given === "object" && given !== null && "text" in given)
        statements.push({
          text: String(given.text),
          values: values ?? ("values" in given ? (given.values as unknown[]) : []),
        });
      else if (typeof given === "string") statements.push({ text: given, values: values ?? [] });
  } finally {
    query.mockRestore();
  }
  const plans: string[] = [];
  for (const { text, values } of statements) {
    if (!/^\s*(select|with)/.test(text)) continue;
    const { rows } = await tables.client.query(`explain ${text}`, values);
    plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
  }
  return plans;
}

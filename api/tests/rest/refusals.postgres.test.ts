import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { RateLimiter } from "../../http/rateLimiter.ts";
import { statementsOf } from "../../testing/statements.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";

const HEAD = 1_800_000_000;
const BURST = 20;

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await tables.setHead("og", 10, HEAD);
  await tables.setHead("base", 10, HEAD);
});
afterAll(async () => {
  await tables.close();
  await database.drop();
});
beforeEach(() => {
  const limit = { perMinute: 1, burst: BURST };
  api = createTestApi(
    database.url,
    undefined,
    {},
    {
      rateLimits: { limit, limiter: new RateLimiter(limit), loopback: "unlimited" },
    },
  );
  api.now = HEAD;
  return () => api.close();
});

/** Sends a request from a remote address with a rate limit of its own. */
function ask(remoteAddress: string, path: string, init: RequestInit = {}): Response | Promise<Response> {
  const incoming = { socket: { remoteAddress } };
  const outgoing = { once: () => {}, destroy: () => {} };
  return api.handler(new Request(`http://test${path}`, init), { incoming, outgoing });
}

const PREFLIGHT = { Origin: "https://a.example", "Access-Control-Request-Method": "GET" };

/** Requests that read nothing, whatever the path. */
const QUESTIONS: readonly (readonly [string, RequestInit])[] = [
  ["OPTIONS", { method: "OPTIONS" }],
  ["a preflight", { method: "OPTIONS", headers: PREFLIGHT }],
  ["PUT", { method: "PUT" }],
  ["DELETE", { method: "DELETE" }],
  ["PATCH", { method: "PATCH" }],
  ["an invented method", { method: "HELLO" }],
];

const OTHER_PATHS = [
  "/",
  "/docs",
  "/openapi.json",
  "/graphql",
  "/metrics",
  "/nosuch",
  `/${"x".repeat(9_000)}`,
];

async function everyPath(): Promise<readonly string[]> {
  const { paths } = (await (await api.get("/openapi.json")).json()) as { paths: Record<string, unknown> };
  const filled = Object.keys(paths).map((path) => path.replaceAll(/\{\w+\}/g, "1"));
  expect(filled.length).toBeGreaterThan(30);
  return [...filled, ...OTHER_PATHS];
}

test.each(QUESTIONS)(
  "%s is rate-limited at every path, and reads nothing from the database",
  async (_, init) => {
    for (const [index, path] of (await everyPath()).entries()) {
      const client = `203.0.113.${index}`;
      let remaining: string | null = null;
      const statements = await statementsOf(async () => {
        remaining = (await ask(client, path, init)).headers.get("RateLimit-Remaining");
      });
      expect([path, statements, remaining]).toEqual([path, [], expect.stringMatching(/^\d+$/)]);
      expect(Number(remaining)).toBeLessThan(BURST);
      while ((await ask(client, path, init)).status !== 429);
    }
  },
);

describe("refused requests read nothing from the database", () => {
  test.each([
    "/v1/nodes?limit=0",
    "/v1/nodes?nosuch=1",
    "/v1/nodes?after=x",
    "/v1/stream?events=x",
    "/v1/stream?after=x",
    "/graphql?nosuch=1",
    "/graphql?query={",
    "/graphql?query={nosuch}",
    "/nosuch",
    "/metrics",
  ])("%s", async (path) => {
    const statements = await statementsOf(async () => {
      const body = await (await ask("203.0.113.1", path)).text();
      expect(body).toContain("code");
    });
    expect(statements).toEqual([]);
  });
});

describe("/health and /ready", () => {
  test.each(["GET", "HEAD"])("are never refused, and %s reads nothing from the database", async (method) => {
    await api.look();
    while ((await ask("203.0.113.1", "/nosuch")).status !== 429);
    const statements = await statementsOf(async () => {
      for (let index = 0; index < 2 * BURST; index++)
        for (const path of ["/health", "/ready"]) {
          const response = await ask("203.0.113.1", path, { method });
          expect([response.status, response.headers.get("RateLimit-Limit")]).toEqual([200, null]);
        }
    });
    expect(statements).toEqual([]);
  });

  test("report the last known state, whoever read it", async () => {
    const ready = async () => {
      const response = await api.get("/ready");
      return [response.status, ((await response.json()) as { code?: string }).code];
    };
    expect(await ready()).toEqual([503, "indexing"]);
    await api.look();
    expect(await ready()).toEqual([200, undefined]);
    await tables.setHead("og", 11, HEAD + 1, "not-ready");
    expect(await ready()).toEqual([200, undefined]);
    await api.get("/v1/settlements");
    expect(await ready()).toEqual([503, "indexing"]);
    await tables.setHead("og", 11, HEAD + 1);
    await api.look();
    expect(await ready()).toEqual([200, undefined]);
    api.now = HEAD + 1_000;
    expect(await ready()).toEqual([503, "stale"]);
    expect(await (await api.get("/health")).json()).toEqual({ status: "ok" });
  });

  test("an unreachable database makes a process unready but healthy", async () => {
    const away = createTestApi("postgres://nobody@127.0.0.1:1/none");
    try {
      await away.look();
      expect(await (await away.get("/ready")).json()).toMatchObject({ code: "database-unavailable" });
      expect((await away.get("/health")).status).toBe(200);
    } finally {
      await away.close();
    }
  });
});

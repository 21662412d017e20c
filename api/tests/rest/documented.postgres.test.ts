/** Everything that openapi.json says of an operation happens: each status, parameter, format and header occurs here. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { OPENAPI_FILE } from "../../testing/openapi/openapiFile.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, HEAD_BLOCK } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed } from "../../testing/worlds/registryHistory.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: { readonly examples: readonly [unknown] };
}

interface Operation {
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
}

const document: Document = JSON.parse(readFileSync(OPENAPI_FILE, "utf8"));
const operations = Object.entries(document.paths).flatMap(([path, { get }]) =>
  /^\/(v1\/|health|ready)/.test(path) ? [[path, get] as const] : [],
);
/** Operations that read rows: all except those that depend on the software alone. */
const indexed = operations.filter(([path]) => path !== "/health" && path !== "/v1/scoring");
const lists = operations.filter(([, { parameters }]) => parameters.some(({ name }) => name === "after"));
const pages = lists.filter(([path]) => path !== "/v1/stream");

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;
/** `path status` of every answer. */
const met = new Set<string>();

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

async function provenInference(): Promise<string> {
  for (const { id } of (await api.json("/v1/inferences?signatureValid=true")).items)
    if ((await api.get(`/v1/inferences/${id}/receipt`)).status === 200) return id;
  throw new Error("nothing is proven in this world");
}

const NOWHERE: Readonly<Record<string, string>> = {
  teeId: hash("none"),
  address: address("nobody"),
  id: hash("none"),
};

/** Values of path parameters that exist in the test world, or do not. */
async function placed(path: string, which: "there" | "nowhere"): Promise<string> {
  const firstId = async (list: string) => (await api.json(list)).items[0].id;
  const there: Readonly<Record<string, () => string | Promise<string>>> = {
    "/v1/settlements/{id}": () => firstId("/v1/settlements?kind=batch&verdict=partial"),
    "/v1/inferences/{id}": () => provenInference(),
    "/v1/channels/{id}": () => hash("channel2"),
    "/v1/nodes/{teeId}": () => nodeNamed("a").teeId,
    "/v1/operators/{address}": () => address("owner-a"),
    "/v1/payers/{address}": () => address("payer-a"),
    "/v1/relayers/{address}": () => address("relayer"),
  };
  const [prefix, name] = /^.*\{(\w+)\}/.exec(path) ?? [];
  if (prefix === undefined || name === undefined) return path;
  const event = prefix === "/v1/settlements/{id}" ? `10740-${hash("none")}-1` : NOWHERE[name];
  const value = which === "there" ? await there[prefix]?.() : event;
  if (value === undefined) throw new Error(`${path}: no value for ${name} is known`);
  return path.replace(`{${name}}`, value);
}

/** The parameters that an operation requires, and those that make its answer cacheable. */
const needed = ({ parameters }: Operation): URLSearchParams =>
  new URLSearchParams(
    parameters.flatMap(({ name, in: where, required, schema }) =>
      where === "query" && (required || name === "seed") ? [[name, String(schema.examples[0])]] : [],
    ),
  );

interface Asked {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly which?: "there" | "nowhere";
}

async function ask(path: string, operation: Operation, asked: Asked = {}): Promise<Response> {
  const query = needed(operation);
  for (const [name, value] of Object.entries(asked.query ?? {})) query.set(name, value);
  const target = await placed(path, asked.which ?? "there");
  const response = await api.fetch(`${target}?${query}`, { method: asked.method ?? "GET", ...asked });
  met.add(`${path} ${response.status}`);
  return response;
}

// biome-ignore lint/suspicious/noExplicitAny: problems have members of their own
const problemOf = async (response: Response): Promise<any> => response.json();

/** Example cursors, registries and times show only the shape: how the test world refuses them. */
const refusalOf = (path: string, parameter: string): string | undefined =>
  ({
    after: path === "/v1/stream" ? "invalid-parameter" : "invalid-cursor",
    "Last-Event-ID": "invalid-parameter",
    registry: "invalid-parameter",
    from: "too-many-buckets",
  })[parameter];

describe.each(operations)("%s", (path, operation) => {
  test("answers, and accepts the documented example of every parameter", async () => {
    const plain = await ask(path, operation);
    expect(plain.status).toBe(200);
    await plain.body?.cancel();
    for (const { name, in: where, schema } of operation.parameters) {
      if (where === "path") continue;
      const value = String(schema.examples[0]);
      const response = await ask(
        path,
        operation,
        where === "query" ? { query: { [name]: value } } : { headers: { [name]: value } },
      );
      if (response.status === 200 || response.status === 404) await response.body?.cancel();
      else expect([name, (await problemOf(response)).code]).toEqual([name, refusalOf(path, name)]);
    }
  });

  test("refuses unknown parameters, other methods and overlong URLs", async () => {
    const unknown = await ask(path, operation, { query: { nosuch: "1" } });
    expect(await problemOf(unknown)).toMatchObject({
      code: "invalid-parameter",
      parameter: "nosuch",
      value: "1",
    });
    const method = await ask(path, operation, { method: "POST" });
    expect([method.status, method.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    const long = await ask(path, operation, { query: { nosuch: "1".repeat(9_000) } });
    expect((await problemOf(long)).code).toBe("uri-too-long");
  });
});

test.each(operations)(
  "%s has OpenGradient's freshness headers, whatever it answers",
  async (path, operation) => {
    const asked: readonly Asked[] = [
      {},
      { method: "HEAD" },
      { method: "POST" },
      { query: { nosuch: "1" } },
      { query: { nosuch: "1".repeat(9_000) } },
      ...(operation.responses[404] === undefined ? [] : [{ which: "nowhere" } as const]),
      ...(operation.responses[200]?.content?.["text/csv"] === undefined
        ? []
        : [{ query: { format: "csv" } }, { query: { format: "ndjson" } }]),
    ];
    for (const one of asked) {
      const { status, headers, body } = await ask(path, operation, one);
      await body?.cancel();
      const said = ["OG-Block", "OG-Block-Time", "OG-Lag-Seconds"].map((name) => headers.get(name));
      expect([one, status, ...said]).toEqual([one, status, String(HEAD_BLOCK), String(HEAD), "7"]);
    }
  },
);

test.each(operations.filter(([, { responses }]) => responses[404]))("%s is not found", async (...asked) => {
  const response = await ask(...asked, { which: "nowhere" });
  expect(response.status).toBe(404);
  expect((await problemOf(response)).code).toMatch(/-not-found$/);
});

test.each(operations.filter(([, { responses }]) => responses[304]))(
  "%s has an entity tag, and a 304 with the same headers",
  async (...asked) => {
    const answer = await ask(...asked);
    await answer.body?.cancel();
    const tag = answer.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^W\/"[\w-]{27}"$/);
    const again = await ask(...asked, { headers: { "If-None-Match": tag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const told = ({ headers }: Response) =>
      [...headers].filter(([name]) => !/^(content-type|content-length|link|x-request-id)$/.test(name));
    expect(told(again)).toEqual(told(answer));
    expect(answer.headers.get("Cache-Control")).toMatch(/^(public, max-age=\d+|no-cache)$/);
  },
);

test.each(operations.filter(([, { responses }]) => responses[200]?.content?.["text/csv"]))(
  "%s has CSV and NDJSON",
  async (path, operation) => {
    const { items } = await (await ask(path, operation)).json();
    expect(items.length).toBeGreaterThan(0);
    const csv = await ask(path, operation, { query: { format: "csv" } });
    expect(csv.headers.get("Content-Type")).toBe("text/csv; charset=utf-8; header=present");
    const ndjson = await ask(path, operation, { query: { format: "ndjson" } });
    const lines = (await ndjson.text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual(items);
    expect((await csv.text()).split("\n").length).toBeGreaterThan(items.length);
  },
);

test("an inference that is not proven has no receipt", async () => {
  const { items } = await api.json("/v1/inferences?signatureValid=false");
  const path = "/v1/inferences/{id}/receipt";
  const response = await api.get(path.replace("{id}", items[0].id));
  met.add(`${path} ${response.status}`);
  expect((await problemOf(response)).code).toBe("inference-not-proven");
});

test.each(indexed)("%s is refused when it is staler than maxLag", async (...asked) => {
  api.now = HEAD + 1_000;
  try {
    const response = await ask(...asked, { query: { maxLag: "10" } });
    expect([response.status, Number(response.headers.get("Retry-After"))]).toEqual([503, 5]);
    expect(await problemOf(response)).toMatchObject({ code: "stale", maxLag: 10 });
  } finally {
    api.now = HEAD + 7;
  }
});

describe("an expired cursor", () => {
  const cursors = new Map<string, string>();

  test.each(pages)("%s continues with a valid cursor", async (path, operation) => {
    const first = await ask(path, operation, { query: { limit: "1" } });
    const { pageInfo } = await first.json();
    cursors.set(path, pageInfo.endCursor);
    const next = first.headers.get("Link");
    if (pageInfo.hasNextPage) expect(next).toContain(encodeURIComponent(pageInfo.endCursor));
    else expect(next).toBeNull();
    const second = await ask(path, operation, { query: { limit: "1", after: pageInfo.endCursor } });
    expect(second.status).toBe(200);
  });

  test.each(pages)("%s refuses the expired one", async (path, operation) => {
    await tables.setHead("og", HEAD_BLOCK - 1, HEAD - 10);
    await tables.setHead("base", 19_999, HEAD - 10);
    const response = await ask(path, operation, { query: { limit: "1", after: cursors.get(path) ?? "" } });
    expect((await problemOf(response)).code).toBe("cursor-expired");
  });
});

test("every documented status was returned, except those that need load or a fault", () => {
  const elsewhere = new Set(["429", "500"]);
  // These two are never stale and read nothing from the database.
  const never = ["/health 503", "/v1/scoring 503"];
  const missing = operations.flatMap(([path, { responses }]) =>
    Object.keys(responses)
      .filter((status) => !elsewhere.has(status))
      .map((status) => `${path} ${status}`)
      .filter((status) => !met.has(status)),
  );
  expect(missing).toEqual(never);
});

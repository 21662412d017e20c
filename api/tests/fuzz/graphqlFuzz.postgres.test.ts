/** Random requests to GraphQL are answered or refused with a known code, without a fault, a long wait or a leak of internals. */
import fc from "fast-check";
import {
  buildClientSchema,
  type GraphQLSchema,
  getIntrospectionQuery,
  getNamedType,
  isObjectType,
} from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { ERROR_KINDS } from "../../errors.ts";
import { TIME_LIMIT_MS } from "../../graphql/execution/limits/limits.ts";
import type { KnownObjects } from "../../testing/fuzz/graphArguments.ts";
import { type GraphRequest, graphRequest, routesOf } from "../../testing/fuzz/graphRequests.ts";
import { leakIn } from "../../testing/fuzz/leaks.ts";
import { AT_ONCE, FUZZ_TIMEOUT_MS, fuzzing, GRAPHQL_REQUESTS } from "../../testing/fuzz/run.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD } from "../../testing/worlds/networkWorld.ts";

/** A request's statements may take the time limit; the rest allows for waiting on concurrent requests. */
const SLOWEST_MS = TIME_LIMIT_MS + 3_000;

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;
let schema: GraphQLSchema;
let known: KnownObjects;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.refresh();
  await api.publish();
  schema = buildClientSchema((await ask(getIntrospectionQuery())).data);
  known = await lookAround();
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

async function ask(query: string) {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const TEXTS = new Set(["String", "ID", "Hex", "Address"]);

/** The values of the items of every root list, by field name, and a cursor of each list. */
async function lookAround(): Promise<KnownObjects> {
  const values = new Map<string, Set<string>>();
  const cursors = new Map<string, string>();
  for (const { name, type } of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const connection = getNamedType(type);
    const { nodes: items, pageInfo } = isObjectType(connection) ? connection.getFields() : {};
    const item = getNamedType(items?.type);
    if (!isObjectType(item) || pageInfo === undefined) continue;
    const leaves = Object.values(item.getFields()).filter(
      ({ args, type: leaf }) => args.length === 0 && TEXTS.has(getNamedType(leaf).name),
    );
    const { data } = await ask(
      `{ list: ${name}(first: 40) { nodes { ${leaves.map((leaf) => leaf.name).join(" ")} } }
         page: ${name}(first: 1) { pageInfo { endCursor } } }`,
    );
    cursors.set(name, data.page.pageInfo.endCursor);
    for (const node of data.list.nodes)
      for (const [key, value] of Object.entries(node))
        if (typeof value === "string" && value.length <= 120)
          values.set(key, (values.get(key) ?? new Set()).add(value));
  }
  const lists = [...values].map(([name, set]) => [name, [...set].slice(0, 30)] as const);
  return { values: new Map(lists), cursors, head: HEAD };
}

/** Refusals of valid operations: they depend on rows, or on several arguments together. */
const BEYOND_SCHEMA = new Set(["query-too-costly", "too-many-buckets", "invalid-parameter", "at-in-future"]);

const codes = new Map<string, number>();
/** `Type.field` and `Type.field.argument` of everything requested, and of everything answered. */
const tried = new Set<string>();
const answered = new Set<string>();

interface ShownError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

function checkErrors(errors: readonly ShownError[], { mood }: GraphRequest): void {
  expect(errors.length).toBeGreaterThan(0);
  expect(leakIn(JSON.stringify(errors))).toBeNull();
  for (const { message, extensions = {} } of errors) {
    const code = String(extensions.code);
    codes.set(code, (codes.get(code) ?? 0) + 1);
    expect(message).not.toBe("");
    expect(code in ERROR_KINDS || code.startsWith("PERSISTED_QUERY_"), code).toBe(true);
    expect(code).not.toBe("internal");
    if (mood === "tame") expect(BEYOND_SCHEMA).toContain(code);
    if (code !== "invalid-parameter") continue;
    expect(extensions).toMatchObject({
      parameter: expect.any(String),
      rule: expect.stringMatching(/\w{2,}/),
    });
    expect(message).toContain(extensions.rule);
  }
}

async function check(request: GraphRequest): Promise<void> {
  const { target, init, mood, asked } = request;
  const before = performance.now();
  const response = await api.fetch(target, init);
  const { status } = response;
  for (const name of asked) tried.add(name);
  if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    codes.set("stream", (codes.get("stream") ?? 0) + 1);
    await response.body?.cancel();
    return;
  }
  const text = await response.text();
  expect(performance.now() - before).toBeLessThan(SLOWEST_MS);
  expect([200, 400, 405, 410, 413, 414, 415, 503]).toContain(status);
  if (init.method === "HEAD") return;
  const answer = JSON.parse(text);
  if (answer.errors !== undefined) checkErrors(answer.errors, request);
  // A malformed request is refused as in REST.
  else if (answer.data === undefined) expect([405, 413, 414, 415]).toContain(status);
  else {
    codes.set("data", (codes.get("data") ?? 0) + 1);
    expect(status).toBe(200);
    for (const name of asked) answered.add(name);
  }
  if (mood === "tame") expect(status === 200 || answer.errors !== undefined).toBe(true);
}

/** An error that names the request. */
const named = (request: GraphRequest): Promise<void> =>
  check(request).catch((cause: unknown) => {
    const { target, init } = request;
    throw new Error(`${init.method} ${target} ${init.body ?? ""}`, { cause });
  });

test("every field and argument of the schema, with valid and invalid values", {
  timeout: FUZZ_TIMEOUT_MS,
}, async () => {
  let requests = 0;
  const routes = routesOf(schema);
  const started = performance.now();
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (gen) => {
      const some = Array.from({ length: AT_ONCE }, () => graphRequest(gen, schema, routes, known));
      requests += some.length;
      await Promise.all(some.map(named));
      expect(api.log).toEqual([]);
    }),
    fuzzing(GRAPHQL_REQUESTS),
  );
  console.info(
    `${requests} requests in ${Math.round(performance.now() - started)} ms:`,
    Object.fromEntries(codes),
  );
  expect(requests).toBeGreaterThanOrEqual(GRAPHQL_REQUESTS);
  const everything = routes.flatMap((route) =>
    route.slice(-1).flatMap(({ owner, field: { name, args } }) => {
      const field = `${owner}.${name}`;
      return [field, ...args.map((argument) => `${field}.${argument.name}`)];
    }),
  );
  expect(everything.filter((name) => !tried.has(name))).toEqual([]);
  // Rarely requested fields may have been refused each time.
  expect(everything.filter((name) => answered.has(name)).length).toBeGreaterThan(0.85 * everything.length);
});

/** Random requests to REST are answered or refused as documented, without a fault, a long wait or a leak of internals. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { EventClient } from "../../testing/eventClient.ts";
import { leakIn } from "../../testing/fuzz/leaks.ts";
import type { Known, KnownPage } from "../../testing/fuzz/parameterValues.ts";
import { type RestOperation, type RestRequest, restRequests } from "../../testing/fuzz/restRequests.ts";
import { AT_ONCE, FUZZ_TIMEOUT_MS, fuzzing, REST_REQUESTS } from "../../testing/fuzz/run.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, PAYERS, RELAYERS } from "../../testing/worlds/networkWorld.ts";

const MAX_URL_LENGTH = 8_192;
/** The longest echo of a parameter's name or value in a refusal. */
const MAX_ECHO_LENGTH = 200;
/** Refusals that a schema cannot express: they depend on rows, or on two parameters together. */
const BEYOND_SCHEMAS = new Set<unknown>(["at-in-future", "too-many-buckets"]);
/** The slowest statement in this small test world, far below the time limit. */
const SLOWEST_MS = 5_000;

let database: TestDatabase;
let tables: ChainTables;
let api: TestApi;
let operations: readonly RestOperation[];
let known: Known;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  await createNetworkWorld(tables);
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.refresh();
  await api.publish();
  const { paths } = await api.json("/openapi.json");
  operations = Object.entries<{ get?: Omit<RestOperation, "path"> }>(paths).flatMap(([path, { get }]) =>
    get !== undefined && /^\/(v1\/|health|ready)/.test(path) ? [{ path, parameters: get.parameters }] : [],
  );
  known = await lookAround();
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

/** All values of all lists in the test world, by field name, and a cursor of each list. */
async function lookAround(): Promise<Known> {
  const values = new Map<string, Set<string>>();
  const pages: KnownPage[] = [];
  const note = (name: string, value: unknown): void => {
    if (typeof value === "string" && value.length <= 100)
      values.set(name, (values.get(name) ?? new Set()).add(value));
    else if (Array.isArray(value)) for (const one of value) note(name, one);
    else if (typeof value === "object" && value !== null)
      for (const [key, part] of Object.entries(value)) note(key, part);
  };
  for (const name of PAYERS) note("payers address", address(name));
  for (const name of RELAYERS) note("relayers address", address(name));
  const lists = operations.filter(({ parameters }) => parameters.some(({ name }) => name === "limit"));
  for (const { path } of lists.filter((list) => !list.path.includes("{"))) {
    const { items } = await api.json(`${path}?limit=1000`);
    note("", items);
    const [, , collection = ""] = path.split("/");
    for (const { id, teeId, address: account, channelId } of items) {
      note(`${collection} id`, channelId ?? id);
      note(`${collection} teeId`, teeId);
      note(`${collection} address`, account);
    }
  }
  for (const { path: operation } of lists) {
    const [, , collection = ""] = operation.split("/");
    const [name = ""] = /(?<=\{)\w+/.exec(operation) ?? [];
    for (const value of values.get(`${collection} ${name}`) ?? [""]) {
      const path = operation.replace(/\{\w+\}/, value);
      const { endCursor } = (await api.json(`${path}?limit=1`)).pageInfo;
      if (endCursor !== null) pages.push({ operation, path, endCursor });
    }
  }
  const client = new EventClient(await api.get("/v1/stream"));
  await client.until(() => client.lastEventId !== "");
  await client.close();
  pages.push({ operation: "/v1/stream", path: "/v1/stream", endCursor: client.lastEventId });
  const sets = [...values].map(([name, set]) => [name, [...set].slice(0, 40)] as const);
  return { values: new Map(sets), pages, head: HEAD };
}

/** Checks of a refusal beyond `openapi.json`. */
function checkRefusal(request: RestRequest, problem: Record<string, unknown>): void {
  const { code, errors } = problem;
  if (code !== "invalid-parameter" && code !== "invalid-cursor" && code !== "at-in-future") return;
  const refused = [problem, ...(Array.isArray(errors) ? errors : [])];
  for (const { parameter, value, rule } of refused) {
    expect(typeof parameter).toBe("string");
    expect(value === null || typeof value === "string").toBe(true);
    expect(rule).toMatch(/\w{2,}/);
  }
  if (code !== "at-in-future") expect(problem.detail).toContain(problem.rule);
  const named = new Set(refused.map(({ parameter }) => parameter));
  for (const name of named) met.add(`${request.operation.path} ${name} refused`);
  if (code === "invalid-parameter")
    for (const { name, judgement } of [...request.path, ...request.query])
      if (judgement === "invalid") expect(named).toContain(name.slice(0, MAX_ECHO_LENGTH));
}

const isRepeated = ({ query }: RestRequest): boolean =>
  new Set(query.map(({ name }) => name)).size < query.length;

const statuses = new Map<number, number>();
/** `path parameter answered` or `… refused`. */
const met = new Set<string>();

async function check(request: RestRequest): Promise<void> {
  const { target, method, headers, path, query, operation } = request;
  const before = performance.now();
  // Validates status, headers, body and code against openapi.json.
  const response = await api.fetch(target, { method, headers });
  const { status } = response;
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  if (status === 200)
    for (const { name } of [...path, ...query]) met.add(`${operation.path} ${name} answered`);
  if (status === 200 && operation.path === "/v1/stream") {
    await response.body?.cancel();
    return;
  }
  const text = await response.text();
  expect(performance.now() - before).toBeLessThan(SLOWEST_MS);
  expect([200, 204, 304, 308, 400, 404, 405, 409, 410, 414, 503]).toContain(status);
  const problem: Record<string, unknown> | null = status < 400 || text === "" ? null : JSON.parse(text);
  if (problem !== null) {
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    expect(leakIn(text)).toBeNull();
    if (status === 503) expect(problem.code).toBe("stale");
  }

  const { pathname, search } = new URL(target, "http://test");
  if (pathname.length + search.length > MAX_URL_LENGTH) {
    expect(status).toBe(414);
    return;
  }
  if (method !== "GET" && method !== "HEAD") {
    expect([204, 404, 405]).toContain(status);
    return;
  }
  // Dots and slashes change the path.
  if (path.some(({ encoded }) => !/^[\w%~-]+$/.test(encoded) || /%(?:2e|2f|00)/i.test(encoded))) return;
  const all = [...path, ...query];
  if (problem !== null) checkRefusal(request, problem);
  if (all.some(({ judgement }) => judgement === "invalid") || isRepeated(request)) expect(status).toBe(400);
  // A stream's filters may have no type in common.
  const isPlain = operation.path !== "/v1/stream" && Object.keys(headers).length === 0 && method === "GET";
  const isValid = all.every(({ judgement }) => judgement === "valid") && !isRepeated(request);
  if (isPlain && isValid && !BEYOND_SCHEMAS.has(problem?.code)) expect([400, 410]).not.toContain(status);
}

/** An error that names the request. */
const named = (request: RestRequest): Promise<void> =>
  check(request).catch((cause: unknown) => {
    const { method, target, headers } = request;
    throw new Error(`${method} ${target} ${JSON.stringify(headers)}`, { cause });
  });

test("every parameter of every operation, with valid and invalid values", {
  timeout: FUZZ_TIMEOUT_MS,
}, async () => {
  let asked = 0;
  const started = performance.now();
  await fc.assert(
    fc.asyncProperty(
      fc.array(restRequests(operations, known), { minLength: AT_ONCE, maxLength: AT_ONCE, size: "max" }),
      async (requests) => {
        asked += requests.length;
        await Promise.all(requests.map(named));
        expect(api.log).toEqual([]);
      },
    ),
    fuzzing(REST_REQUESTS),
  );
  console.info(
    `${asked} requests in ${Math.round(performance.now() - started)} ms:`,
    Object.fromEntries(statuses),
  );
  expect(asked).toBeGreaterThanOrEqual(REST_REQUESTS);
  const parameters = operations.flatMap(({ path, parameters: taken }) =>
    taken.filter((one) => one.in !== "header").map(({ name }) => `${path} ${name}`),
  );
  const unmet = parameters.flatMap((name) =>
    [`${name} answered`, `${name} refused`].filter((meeting) => !met.has(meeting)),
  );
  expect(unmet).toEqual([]);
});

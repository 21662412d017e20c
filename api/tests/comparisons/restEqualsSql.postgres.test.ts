/** GraphQL = REST = SQL: both give the same answers to 500 random requests as plain statements over the tables. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import {
  COMPARED_LISTS,
  graph,
  graphWalk,
  type Item,
  NODE,
  oneOf,
  restWalk,
  time,
  toGraphqlWord,
  type Values,
} from "../../testing/comparisons/comparedLists.ts";
import {
  COUNTED_METRICS,
  PLAIN_LISTS,
  PLAIN_OBJECTS,
  plainSeries,
} from "../../testing/comparisons/plainSql.ts";
import { orderRange } from "../../testing/fuzz/orderedRange.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD, PAYERS, RELAYERS } from "../../testing/worlds/networkWorld.ts";
import { nodeNamed, OTHER_REGISTRY, REGISTRY } from "../../testing/worlds/registryHistory.ts";

const QUESTIONS = 500;
const SEED = 500_500;

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

interface Question {
  readonly name: string;
  readonly given: Values;
  readonly sql: string;
  readonly rest: () => Promise<readonly Item[]>;
  readonly graph: () => Promise<readonly Item[]>;
}

/** The nodes whose histories are compared. */
const SUBJECTS: Readonly<Record<string, string>> = {
  "heartbeats of a node": NODE,
  "events of a node": nodeNamed("d").teeId,
};

/** The sort orders that SQL can express, which excludes scores. */
const SORTS: Readonly<Record<string, readonly string[]>> = {
  models: ["lastSeenAt", "inferences"],
  nodes: [],
};

const listQuestions = Object.entries(PLAIN_LISTS).map(([name, sql]) => {
  const list = COMPARED_LISTS[name];
  if (list === undefined) throw new Error(`no list ${name}`);
  const filters = Object.entries(list.filters).filter(
    ([filter]) => filter !== "sort" || SORTS[name]?.length !== 0,
  );
  return fc
    .subarray(filters, { maxLength: Math.min(3, filters.length) })
    .chain((chosen) => fc.record(Object.fromEntries(chosen)))
    .map((given): Question => {
      const asked = orderRange(given as Values); // a record of the filters' values
      return {
        name,
        given: asked,
        sql: sql({ teeId: SUBJECTS[name], ...asked }),
        rest: async () => (await restWalk(api, list, asked, 17)).flat(),
        graph: async () => (await graphWalk(api, list, asked, 23, "forward")).pages.flat(),
      };
    });
});

const objectQuestion = (
  name: string,
  given: Values,
  path: string,
  query: string,
  ofData: (data: Item) => Item,
): Question => ({
  name,
  given,
  sql: PLAIN_OBJECTS[name]?.(given) ?? "",
  rest: async () => [await api.json(path)],
  graph: async () => [ofData(await graph(api, query, {}))],
});

const networkQuestions = fc.constantFrom(REGISTRY, OTHER_REGISTRY, "all").map((registry) =>
  objectQuestion(
    "network",
    { registry },
    `/v1/network?registry=${registry}`,
    `{ network(registry: "${registry}") { nodes: nodeCounts { total active } operators heartbeats settlements { individual batch legacy }
      onchainInferences inferences payments payers volume { token raw } } }`,
    ({ network }) => network,
  ),
);
const payerQuestions = fc
  .constantFrom(...PAYERS.map(address))
  .map((payer) =>
    objectQuestion(
      "payer",
      { address: payer },
      `/v1/payers/${payer}`,
      `{ payer(address: "${payer}") { record { payments firstPaidAt lastPaidAt payeeCount spending { token raw } } } }`,
      ({ payer: { record } }) => record,
    ),
  );
const relayerQuestions = fc
  .constantFrom(...RELAYERS.map(address))
  .map((relayer) =>
    objectQuestion(
      "relayer",
      { address: relayer },
      `/v1/relayers/${relayer}`,
      `{ relayer(address: "${relayer}") { record { settlements { individual batch legacy } } } }`,
      ({ relayer: { record } }) => record,
    ),
  );

const seriesQuestions = fc
  .record({ metric: oneOf(...COUNTED_METRICS), interval: oneOf("hour", "day"), from: time, to: time })
  .map((given): Question => {
    const [from, to] = [Math.min(given.from, given.to), Math.max(given.from, given.to) + 1];
    const { metric, interval } = given;
    const said = String(metric).replace(/(?<=[a-z])[A-Z]/g, "_$&");
    return {
      name: "series",
      given: { ...given, from, to },
      sql: plainSeries({ ...given, from, to }),
      rest: async () =>
        (await api.json(`/v1/network/series?metric=${metric}&interval=${interval}&from=${from}&to=${to}`))
          .items,
      graph: async () =>
        (
          await graph(
            api,
            `{ networkSeries(metric: ${said.toUpperCase()}, interval: ${toGraphqlWord(interval)}, from: ${from}, to: ${to}) { startAt value } }`,
            {},
          )
        ).networkSeries,
    };
  });

/** The fields of an answer that a row has; `a.b` is field b of a. */
const seenBy = (row: Item, item: Item): Item =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const said = name.split(".").reduce((part: Item, key) => part?.[key], item);
      // Lists of objects are compared by the statement's columns.
      return [
        name,
        Array.isArray(value)
          ? said.map((one: Item, index: number) => seenBy(value[index] ?? one, one))
          : said,
      ];
    }),
  );

async function compare({ sql, rest, graph: ask }: Question): Promise<number> {
  const { rows } = await tables.client.query<Item>(sql);
  const told = [await rest(), await ask()];
  for (const items of told) {
    expect(items).toHaveLength(rows.length);
    expect(rows.map((row: Item, index: number) => seenBy(row, items[index]))).toEqual(rows);
  }
  return rows.length;
}

test("500 random requests have the same answer in GraphQL, REST and plain SQL", {
  timeout: 180_000,
}, async () => {
  const found = new Map<string, { asked: number; rows: number }>();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        ...listQuestions,
        networkQuestions,
        payerQuestions,
        relayerQuestions,
        seriesQuestions,
        seriesQuestions,
      ),
      async (question) => {
        const before = found.get(question.name) ?? { asked: 0, rows: 0 };
        const rows = await compare(question).catch((cause: unknown) => {
          const { name, given, sql } = question;
          throw new Error(`${name} ${JSON.stringify(given)}\n${sql}`, { cause });
        });
        found.set(question.name, { asked: before.asked + 1, rows: before.rows + rows });
      },
    ),
    { seed: SEED, numRuns: QUESTIONS },
  );
  const asked = [...found.values()].reduce((sum, one) => sum + one.asked, 0);
  expect(asked).toBeGreaterThanOrEqual(QUESTIONS);
  // Guards against a comparison of two empty results.
  expect(found.size).toBe(listQuestions.length + 4);
  for (const [name, { asked: times, rows }] of found) expect([name, rows > times / 2]).toEqual([name, true]);
});

test("a missing, additional or moved row makes the comparison fail", async () => {
  const { rows } = await tables.client.query<Item>(PLAIN_LISTS.payments?.({}) ?? "");
  const items = (await api.json("/v1/payments?limit=1000")).items;
  const question = (told: readonly Item[]): Question => ({
    name: "payments",
    given: {},
    sql: PLAIN_LISTS.payments?.({}) ?? "",
    rest: async () => items,
    graph: async () => told,
  });
  expect(await compare(question(items))).toBe(rows.length);
  const [first, second, ...others] = items;
  for (const wrong of [
    items.slice(1),
    [first, ...items],
    [second, first, ...others],
    [{ ...first, organic: null }, second, ...others],
  ])
    await expect(compare(question(wrong))).rejects.toThrow();
});

/**
 * An answer about a past moment equals the answer that was given then, except for today's verdicts. Every request that takes a
 * moment is sent at a block, and again for that block after both chains have grown.
 */
import { readFileSync } from "node:fs";
import { buildSchema, getNamedType, isLeafType, isObjectType } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import {
  type GraphQuestion,
  graphQuestions,
  pathsWith,
  type Values,
} from "../../testing/comparisons/questionsAboutMoments.ts";
import { OPENAPI_FILE } from "../../testing/openapi/openapiFile.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { address, ChainTables, hash } from "../../testing/worlds/chainTables.ts";
import { HEAD } from "../../testing/worlds/networkWorld.ts";
import { PastWorld } from "../../testing/worlds/pastWorld.ts";
import { nodeNamed } from "../../testing/worlds/registryHistory.ts";

const SDL = readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8");
const OPENAPI = JSON.parse(readFileSync(OPENAPI_FILE, "utf8"));

const CONNECTIONS = 4;

let database: TestDatabase;
let tables: ChainTables;
let world: PastWorld;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  tables = await ChainTables.create(database.url);
  world = new PastWorld(tables);
  await world.begin();
  await world.grow(12);
  api = createTestApi(database.url);
  api.now = HEAD + 1_000;
});
afterAll(async () => {
  await api.close();
  await tables.close();
  await database.drop();
});

const quoted = (values: readonly string[]) => values.map((value) => `"${value}"`);

const INFERENCE_FILTERS = [
  "{}",
  "{counted: true}",
  "{counted: false}",
  "{signatureValid: true}",
  "{signatureValid: false}",
  `{model: "llama"}`,
  `{payer: "${address("payer-b")}"}`,
];

const valuesOf = ({ known }: PastWorld): Values => ({
  teeId: quoted([nodeNamed("a").teeId]),
  id: quoted([known.settlement]),
  "operator.address": quoted([address("owner-a")]),
  "relayer.address": quoted([address("settler"), address("relayer")]),
  "payer.address": quoted([address("payer-b")]),
  "/v1/operators/{address}.address": quoted([address("owner-a")]),
  channelId: quoted([hash("channel1")]),
  inferenceId: quoted(known.inferences),
  eventId: quoted([known.settlement]),
  "Query.inferences.filter": INFERENCE_FILTERS,
  "TeeNode.inferences.filter": INFERENCE_FILTERS,
});

/** Scalar fields without arguments. */
function leavesOf(typename: string): string {
  const type = buildSchema(SDL).getType(typename);
  if (!isObjectType(type)) throw new Error(`${typename} is no object`);
  return Object.values(type.getFields())
    .filter((field) => field.name !== "id" && field.args.length === 0 && isLeafType(getNamedType(field.type)))
    .map((field) => field.name)
    .join(" ");
}

/** Removes the verifier's revision, which changes without the answer. */
const withoutRevision = (text: string) => text.replaceAll(/"proofs":\d+/g, '"proofs":0');

async function askGraph(query: string): Promise<string> {
  const response = await api.fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await response.json();
  if (errors !== undefined) throw new Error(`${query}: ${JSON.stringify(errors)} ${api.log.at(-1)}`);
  return withoutRevision(JSON.stringify(data));
}

/** Cursors that pin a request to the newest state of both chains. */
async function pins(): Promise<string> {
  const { nodes, payments } = JSON.parse(
    await askGraph(
      "{ nodes(first: 1) { pageInfo { endCursor } } payments(first: 1) { pageInfo { endCursor } } }",
    ),
  );
  return `pinOg: nodes(first: 1, after: "${nodes.pageInfo.endCursor}") { nodes { teeId } }
    pinBase: payments(first: 1, after: "${payments.pageInfo.endCursor}") { nodes { eventId } }`;
}

/** Asks as many at a time as there are database connections. */
async function askAll(
  questions: readonly string[],
  ask: (question: string) => Promise<string>,
): Promise<string[]> {
  const answers: string[] = [];
  const next = questions.entries();
  const askInTurn = async () => {
    for (const [index, question] of next) answers[index] = await ask(question);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, askInTurn));
  return answers;
}

/** Asks everything once, and once more after both chains have grown. */
async function expectTheSame(
  questions: readonly string[],
  ask: (question: string) => Promise<string>,
): Promise<void> {
  const then = await askAll(questions, ask);
  expect(then.length).toBeGreaterThan(0);
  await world.grow(7);
  const now = await askAll(questions, ask);
  const different: string[] = [];
  for (const [index, question] of questions.entries())
    if (now[index] !== then[index]) different.push(`${question}\nthen ${then[index]}\nnow  ${now[index]}`);
  expect(different).toEqual([]);
}

describe("an answer at a block is repeated later for the same block", {
  timeout: 120_000,
}, () => {
  const graph = (keep: (question: GraphQuestion) => boolean) =>
    graphQuestions(SDL, valuesOf(world)).filter(keep);

  test("for every GraphQL field with `at`", async () => {
    const { at } = world.newest;
    const questions = graph(({ takesAt }) => takesAt).map(
      ({ text }) => `{ ${text.replace(" AT", ` at: ${at}`)} }`,
    );
    await expectTheSame(questions, askGraph);
  });

  test("for every GraphQL field beside a page that is pinned to it", async () => {
    const pinned = await pins();
    const questions = graph(() => true).map(
      ({ text }) => `{ ${pinned} ${text.replace(/\( AT\)/, "").replace(" AT", "")} }`,
    );
    await expectTheSame(questions, askGraph);
  });

  test("for node(id:) with ids from that block", async () => {
    const { at } = world.newest;
    const lists = buildSchema(SDL).getQueryType()?.getFields() ?? {};
    const questions: string[] = [];
    for (const name of ["nodes", "operators", "inferences", "relayers"].filter((list) =>
      lists[list]?.args.some((argument) => argument.name === "at"),
    )) {
      const found = JSON.parse(
        await askGraph(`{ ${name}(at: ${at}, first: 5) { nodes { id __typename } } }`),
      );
      for (const { id, __typename } of found[name].nodes) {
        const fields = leavesOf(__typename);
        questions.push(`{ node(id: "${id}") { ... on ${__typename} { ${fields} } } }`);
      }
    }
    for (const { id } of JSON.parse(
      await askGraph(
        `{ teeNode(teeId: "${nodeNamed("a").teeId}", at: ${at}) { inferences(first: 9) { nodes { id } } } }`,
      ),
    ).teeNode.inferences.nodes)
      questions.push(`{ node(id: "${id}") { ... on Inference { ${leavesOf("Inference")} } } }`);
    await expectTheSame(questions, askGraph);
  });

  test("for every REST path with `at`", async () => {
    const { at } = world.newest;
    const paths = pathsWith(OPENAPI, "at", valuesOf(world)).flatMap((path) => [
      `${path}?at=${at}`,
      ...(path === "/v1/nodes"
        ? ["score", "uptime", "inferences"].map(
            (sort) => `${path}?at=${at}&registry=all&include=keys,metrics&sort=${sort}`,
          )
        : []),
    ]);
    await expectTheSame(paths, async (path) => JSON.stringify(await itemsOf(path)));
  });

  test("for the second page of every list", async () => {
    const more: Readonly<Record<string, readonly string[]>> = {
      "/v1/nodes": ["sort=uptime", "sort=inferences", "include=metrics"],
      "/v1/models": ["sort=inferences", `from=${HEAD - 10_000}`],
      "/v1/inferences": ["counted=false", "signatureValid=false", "model=llama"],
    };
    const lists = pathsWith(OPENAPI, "after", valuesOf(world))
      .filter((path) => path !== "/v1/stream")
      .flatMap((path) => ["", ...(more[path] ?? [])].map((query) => `${path}?limit=2&${query}`));
    const pages: string[] = [];
    for (const list of lists) {
      const { pageInfo } = await api.json(list);
      if (pageInfo.hasNextPage) pages.push(`${list}&after=${pageInfo.endCursor}`);
    }
    expect(pages.length).toBeGreaterThan(lists.length / 2);
    await expectTheSame(pages, async (path) => JSON.stringify(await itemsOf(path)));
  });
});

/** A list's items, or a whole object. Cursors are left out, because they contain the revision. */
async function itemsOf(path: string): Promise<unknown> {
  const body = await api.json(path);
  return body.items ?? body;
}

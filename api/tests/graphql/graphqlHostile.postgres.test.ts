/** Hostile requests to GraphQL: each is refused with a reason, as the client's error. */
import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createTestApi, type TestApi } from "../../testing/testApi.ts";
import { ChainTables } from "../../testing/worlds/chainTables.ts";
import { createNetworkWorld, HEAD } from "../../testing/worlds/networkWorld.ts";

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
  api = createTestApi(database.url);
  api.now = HEAD + 7;
  await api.publish();
  return () => api.close();
});

type Headers = Readonly<Record<string, string>>;
const GRAPHQL_JSON = "application/graphql-response+json";
const JSON_BODY = { "Content-Type": "application/json" };

const send = (body: string, headers: Headers = {}, at = api) =>
  at.fetch("/graphql", { method: "POST", headers: { ...JSON_BODY, ...headers }, body });

/** The first error of a refused request. */
async function refusal(response: Response) {
  const { data, errors } = await response.json();
  expect(data).toBeUndefined();
  expect(errors[0].extensions.requestId).toBe(response.headers.get("X-Request-Id"));
  expect(errors[0].extensions.requestId).not.toBeNull();
  const { message, extensions } = errors[0];
  return { status: response.status, code: extensions.code, message, extensions };
}

/** The ways to send the members of a request. */
const WAYS: readonly (readonly [string, (body: object) => Promise<Response>])[] = [
  ["POST", (body) => send(JSON.stringify(body))],
  [`POST for ${GRAPHQL_JSON}`, (body) => send(JSON.stringify(body), { Accept: GRAPHQL_JSON })],
  ["a subscription's POST", (body) => send(JSON.stringify(body), { Accept: "text/event-stream" })],
  [
    "GET",
    (body) =>
      api.get(
        `/graphql?${new URLSearchParams(
          Object.entries(body).map(([name, value]) => [
            name,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        )}`,
      ),
  ],
  [
    "a form",
    (body) =>
      send(
        new URLSearchParams(
          Object.entries(body).map(([name, value]) => [
            name,
            typeof value === "string" ? value : JSON.stringify(value),
          ]),
        ).toString(),
        { "Content-Type": "application/x-www-form-urlencoded" },
      ),
  ],
];

const deep = (levels: number, open = "[", close = "]"): string =>
  `${open.repeat(levels)}0${close.repeat(levels)}`;
const OK = "{ asOf { proofsRevision } }";
const SUBSCRIPTION = "subscription { events { cursor } }";

describe.each(WAYS)("over %s", (way, ask) => {
  const query = way.includes("subscription") ? SUBSCRIPTION : OK;
  test.each<readonly [string, object, string]>([
    [
      "variables nested without end",
      { variables: { filter: JSON.parse(deep(300, '{"a":', "}")) } },
      "variables",
    ],
    ["lists nested without end", { variables: { a: JSON.parse(deep(300)) } }, "variables"],
    ["many values", { variables: { a: Array.from({ length: 2_001 }, () => 0) } }, "variables"],
    ["NUL in a variable nobody uses", { variables: { a: ["x\0"] } }, "variables.a.0"],
    ["half a surrogate pair", { variables: { a: { b: "\ud800" } } }, "variables.a.b"],
    ["a long text", { variables: { a: "x".repeat(4_097) } }, "variables.a"],
    ["a long name", { variables: { ["x".repeat(201)]: 1 } }, "a name in variables"],
    ["NUL in a name", { variables: { "a\0": 1 } }, "a name in variables"],
    ["NUL in the operation's name", { operationName: "\0" }, "operationName"],
    ["NUL in an extension nobody knows", { extensions: { other: ["\0"] } }, "extensions.other.0"],
    ["a lag that is an object", { extensions: { maxLag: {} } }, "maxLag"],
    ["a lag that is a list", { extensions: { maxLag: [1] } }, "maxLag"],
    ["a lag that is a word", { extensions: { maxLag: "soon" } }, "maxLag"],
    ["a lag that has no text", { extensions: { maxLag: { toString: 1, valueOf: 1 } } }, "maxLag"],
    ["a lag of true", { extensions: { maxLag: true } }, "maxLag"],
    ["a hash that is a number", { extensions: { persistedQuery: 7 } }, "extensions.persistedQuery"],
    [
      "a hash that is an object",
      { extensions: { persistedQuery: { version: 1, sha256Hash: {} } } },
      "extensions.persistedQuery",
    ],
    [
      "a hash of another length",
      { extensions: { persistedQuery: { version: 1, sha256Hash: "ab" } } },
      "extensions.persistedQuery",
    ],
  ])("%s is refused by name", async (_, more, parameter) => {
    const answer = await refusal(await ask({ query, ...more }));
    expect(answer).toMatchObject({ status: 400, code: "invalid-parameter" });
    expect(answer.extensions.parameter).toContain(parameter);
    expect(answer.message).toContain(answer.extensions.rule);
    expect(api.log).toEqual([]);
  });

  test("unknown extensions are ignored", async () => {
    const extensions = { clientLibrary: { name: "@apollo/client", version: "4.0.0" }, persistedQuery: null };
    const response = await ask({ query, extensions });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  test.each<readonly [string, string, string]>([
    ["a long document that stops being one", `${"{a".repeat(20_000)}\u0007`, "query-too-costly"],
    ["a document that stops being one at once", "{ a \u0007", "invalid-query"],
    ["braces inside of each other", "{a".repeat(900), "query-too-costly"],
    ["lists inside of each other", `{ a(b: ${"[".repeat(1_900)}`, "query-too-costly"],
    ["types inside of each other", `query ($a: ${"[".repeat(1_900)}`, "query-too-costly"],
    ["objects inside of each other", `{ a(b: ${"{c:".repeat(600)}`, "query-too-costly"],
    ["a long name", `{ ${"a".repeat(201)} }`, "query-too-costly"],
    ["a long alias", `{ ${"a".repeat(201)}: asOf { proofsRevision } }`, "query-too-costly"],
    ["a NUL in a string", '{ settlement(eventId: "\\u0000") { id } }', "invalid-parameter"],
    ["a long string", `{ settlement(eventId: "${"x".repeat(4_097)}") { id } }`, "invalid-parameter"],
    ["half a surrogate pair in a string", '{ settlement(eventId: "\\ud800") { id } }', "invalid-query"],
    [
      "many operations",
      Array.from({ length: 51 }, (_, n) => `query Q${n} { __typename }`).join(" "),
      "query-too-costly",
    ],
    [
      "many fragments",
      `${OK} ${Array.from({ length: 101 }, (_, n) => `fragment F${n} on Query { __typename }`).join(" ")}`,
      "query-too-costly",
    ],
    ["one field over and over", `{ ${"asOf { proofsRevision } ".repeat(400)} }`, "query-too-costly"],
    [
      "fragments that spread each other everywhere",
      `{ nodes { nodes { ...F0 } } } ${Array.from({ length: 20 }, (_, n) => `fragment F${n} on TeeNode { ${Array.from({ length: 20 }, (_, m) => `...F${m}`).join(" ")} operator { nodes { nodes { ...F${(n + 1) % 20} } } } }`).join(" ")}`,
      "invalid-query",
    ],
    [
      "fragments that become much",
      `{ ...F0 } ${Array.from({ length: 20 }, (_, n) => `fragment F${n} on Query { a${n}: nodes { nodes { operator { ...G${n} } } } b${n}: nodes { nodes { operator { ...G${n} } } } ...F${n + 1} }`).join(" ")} fragment F20 on Query { __typename } ${Array.from({ length: 20 }, (_, n) => `fragment G${n} on Operator { ${Array.from({ length: 5 }, (_, m) => `x${m}: nodes { nodes { operator { address } } } y${m}: nodes { nodes { owner } }`).join(" ")} }`).join(" ")}`,
      "query-too-costly",
    ],
  ])("%s is refused", async (_, text, code) => {
    // These are too long for a URL.
    if (way === "GET" && text.length > 2_000) return;
    const response = await ask({ query: text });
    const answer = await refusal(response);
    expect([answer.code, answer.message]).toEqual([code, expect.stringMatching(/\w/)]);
    // In plain JSON, an invalid document is not an HTTP error.
    const legacy = code === "invalid-query" && ["POST", "GET", "a form"].includes(way);
    expect(answer.status).toBe(legacy ? 200 : 400);
    expect(api.log).toEqual([]);
  });
});

test.each([
  ["arrays without end", "[".repeat(99_000)],
  ["objects without end", '{"a":'.repeat(19_000)],
  ["variables without end", `{"query":"${OK}","variables":{"a":${deep(40_000)}}}`],
  ["an array of operations", `[{"query":"${OK}"},{"query":"${OK}"}]`],
  ["no object", "7"],
  ["null", "null"],
  ["no JSON", "{"],
  ["a member that is none", `{"query":"${OK}","nosuch":1}`],
  ["a query that is none", '{"query":{"a":1}}'],
  ["no query", "{}"],
])("a body of %s is refused", async (_, body) => {
  for (const accept of ["*/*", GRAPHQL_JSON, "text/event-stream"]) {
    const { status, code } = await refusal(await send(body, { Accept: accept }));
    expect([status, code]).toEqual([400, expect.stringMatching(/^invalid-(query|parameter)$/)]);
  }
  expect(api.log).toEqual([]);
});

test("a form whose variables are not JSON is refused", async () => {
  const body = new URLSearchParams({ query: OK, variables: "{n" }).toString();
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  expect(await refusal(await send(body, form))).toMatchObject({ status: 400, code: "invalid-query" });
});

describe("GraphQL over HTTP", () => {
  test.each([
    ["{ nodes {", {}],
    ["{ nothing }", {}],
    ["query ($n: Int!) { nodes(first: $n) { totalCount } }", { variables: { n: "x" } }],
    ["query ($n: Int!) { nodes(first: $n) { totalCount } }", {}],
    ["query A { __typename } query B { __typename }", {}],
    ["query A { __typename } query B { __typename }", { operationName: "C" }],
    ["fragment F on Query { __typename }", {}],
  ])("an error in %s is 400 in GraphQL's media type and 200 in plain JSON", async (query, more) => {
    const body = JSON.stringify({ query, ...more });
    const own = await send(body, { Accept: `${GRAPHQL_JSON}, application/json;q=0.9` });
    expect(own.headers.get("Content-Type")).toBe(`${GRAPHQL_JSON}; charset=utf-8`);
    expect(await refusal(own)).toMatchObject({ status: 400, code: "invalid-query" });
    for (const accept of ["application/json", "*/*"]) {
      const plain = await send(body, { Accept: accept });
      expect(plain.headers.get("Content-Type")).toBe("application/json; charset=utf-8");
      expect(await refusal(plain)).toMatchObject({ status: 200, code: "invalid-query" });
    }
  });

  test("a field error leaves a partial answer", async () => {
    const query = "{ nodes(first: 101) { totalCount } asOf { proofsRevision } }";
    for (const accept of ["application/json", GRAPHQL_JSON])
      expect((await send(JSON.stringify({ query }), { Accept: accept })).status).toBe(200);
  });

  test.each(["", null])("an operationName of %j counts as absent", async (operationName) => {
    for (const [, ask] of WAYS.filter(([name]) => !name.includes("subscription"))) {
      const response = await ask({ query: OK, ...(operationName === null ? {} : { operationName }) });
      expect([response.status, (await response.json()).errors]).toEqual([200, undefined]);
    }
    const json = await send(JSON.stringify({ query: OK, operationName, variables: null, extensions: null }));
    expect((await json.json()).errors).toBeUndefined();
    const events = await send(JSON.stringify({ query: SUBSCRIPTION, operationName }), {
      Accept: "text/event-stream",
    });
    expect(events.status).toBe(200);
    await events.body?.cancel();
  });

  test("the refusal of an unknown operation names it and those in the document", async () => {
    const query = "query A { __typename } query B { __typename }";
    const { message } = await refusal(await send(JSON.stringify({ query, operationName: "C" })));
    expect(message).toBe('operationName "C" names no operation in the document; it has "A", "B"');
  });

  test.each([
    "image/png",
    "application/xml;q=0.9",
    "application/json;q=0",
    "multipart/mixed",
    "application/json;charset=utf-16",
  ])("Accept: %s gets a problem document", async (accept) => {
    const response = await send(JSON.stringify({ query: OK }), { Accept: accept });
    expect([response.status, response.headers.get("Content-Type")]).toEqual([
      406,
      "application/problem+json",
    ]);
    expect(await response.json()).toMatchObject({ code: "not-acceptable", requestId: expect.any(String) });
  });

  test.each([
    ["application/json, multipart/mixed", "application/json"],
    ["text/event-stream, application/json", "application/json"],
    [`application/json;q=0.5, ${GRAPHQL_JSON}`, GRAPHQL_JSON],
    [`${GRAPHQL_JSON};q=0.1, application/*`, "application/json"],
    ["", "application/json"],
  ])("Accept: %s is answered with %s", async (accept, type) => {
    const response = await send(JSON.stringify({ query: OK }), { Accept: accept });
    expect(response.headers.get("Content-Type")).toBe(`${type}; charset=utf-8`);
  });

  test("a client that accepts only events gets the answer as one event", async () => {
    const response = await send(JSON.stringify({ query: OK }), { Accept: "text/event-stream" });
    expect(response.headers.get("Content-Type")).toBe("text/event-stream");
    expect(await response.text()).toMatch(/^event: next\ndata: \{"data":.*\}\n\nevent: complete\ndata:\n\n$/);
  });
});

describe("the size of an answer", () => {
  const ask = async (query: string, at = api, headers: Headers = {}) =>
    send(JSON.stringify({ query }), headers, at);

  test("allows one whole introspection and not fourteen", async () => {
    const standard = await ask(
      getIntrospectionQuery({
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    );
    const { data, errors } = await standard.json();
    expect([errors, data.__schema.types.length > 100]).toEqual([undefined, true]);
    const parts = [
      "fragment all on __Schema { types { ...type } directives { name args { name } } }",
      "fragment type on __Type { kind name description fields(includeDeprecated: true) { ...field } }",
      "fragment field on __Field { name description args { name description } type { kind name fields { name description } } }",
    ];
    const aliases = Array.from({ length: 14 }, (_, n) => `a${n}: __schema { ...all }`);
    const multiplied = await refusal(await ask(`{ ${aliases.join(" ")} } ${parts.join(" ")}`));
    expect(multiplied).toMatchObject({ status: 400, code: "query-too-costly" });
    const typed = Array.from({ length: 40 }, (_, n) => `a${n}: __type(name: "TeeNode") { ...type }`);
    expect(await refusal(await ask(`{ ${typed.join(" ")} } ${parts.slice(1).join(" ")}`))).toMatchObject({
      code: "query-too-costly",
    });
  });

  const LONG = "{ __schema { types { name description } } settlements(first: 1) { nodes { kind } } }";

  test.each([
    ["application/json", "application/json; charset=utf-8"],
    [GRAPHQL_JSON, `${GRAPHQL_JSON}; charset=utf-8`],
    ["text/event-stream", "application/json; charset=utf-8"],
  ])("is limited by a refusal of its own: %s", async (accept, type) => {
    const small = createTestApi(database.url, undefined, { graphqlMaxResponseBytes: 2_000 });
    small.now = HEAD + 7;
    try {
      const fits = await ask(OK, small, { Accept: accept });
      expect(fits.status).toBe(200);
      expect((await fits.text()).length).toBeLessThan(2_000);
      const response = await ask(LONG, small, { Accept: accept });
      expect(response.headers.get("Content-Type")).toBe(type);
      expect(await refusal(response)).toMatchObject({
        status: 400,
        code: "answer-too-large",
        extensions: { maxBytes: 2_000 },
      });
      const url = `/graphql?${new URLSearchParams({ query: LONG })}`;
      const kept = await small.get(url);
      expect([kept.status, kept.headers.get("ETag"), kept.headers.get("Cache-Control")]).toEqual([
        400,
        null,
        "no-store",
      ]);
    } finally {
      await small.close();
    }
  });
});

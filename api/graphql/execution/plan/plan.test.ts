import { getIntrospectionQuery, getOperationAST, Kind, parse } from "graphql";
import { expect, test } from "vitest";
import { schema } from "../../schema.ts";
import { MAX_ROWS } from "../limits/limits.ts";
import { planOperation } from "./plan.ts";

const planOf = (query: string, variables: Readonly<Record<string, unknown>> = {}) => {
  const document = parse(query);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error("no operation");
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  return planOperation(operation, { schema, fragments, variables });
};
const rowsOf = (query: string, variables = {}) => planOf(query, variables).rows;

test("pages multiply what is inside of them", () => {
  const of = (outer: number, inner: number) =>
    rowsOf(
      `{ relayer(address: "0x${"00".repeat(20)}") { settlements(first: ${outer}) { nodes { leaves(first: ${inner}) { nodes { verdict } } } } } }`,
    );
  expect(of(100, 100)).toBeGreaterThan(10_000);
  expect(of(10, 100) / of(100, 100)).toBeCloseTo(0.1, 1);
  expect(of(100, 10) / of(100, 100)).toBeLessThan(0.2);
  expect(
    rowsOf("{ settlements { edges { node { leaves { edges { node { verdict } } } } } } }"),
  ).toBeGreaterThan(400);
  expect(rowsOf("{ settlements(last: 100) { nodes { kind } } }")).toBeGreaterThan(100);
  expect(rowsOf("{ settlements(first: 1000000) { nodes { kind } } }")).toBeLessThan(200);
  expect(rowsOf("query ($n: Int) { settlements(first: $n) { nodes { kind } } }", { n: 80 })).toBeGreaterThan(
    80,
  );
});

test("a page's own fields are read once, and values cost a little", () => {
  expect(rowsOf("{ settlements(first: 100) { pageInfo { endCursor } } }")).toBeLessThan(110);
  const one = rowsOf("{ settlements(first: 100) { nodes { kind } } }");
  const many = rowsOf(
    "{ settlements(first: 100) { nodes { kind relay settledAt relayer teeId verdict reason signature } } }",
  );
  expect(many).toBeGreaterThan(one);
  expect(many).toBeLessThan(2 * one);
});

test("counting a list costs what its entries are worth, however short its page is", () => {
  const countOf = (list: string) => rowsOf(`{ ${list}(first: 1) { totalCount } }`);
  expect(countOf("payments")).toBeGreaterThan(100);
  expect(countOf("inferences")).toBeGreaterThan(2 * countOf("settlements"));
  const nested = (count: string) => `{ nodes(first: 20) { nodes { inferences(first: 1) { ${count} } } } }`;
  expect(rowsOf(nested("totalCountAtLeast"))).toBeGreaterThan(10_000);
  expect(rowsOf(nested("nodes { inferenceId }"))).toBeLessThan(300);
});

test("fragments and directives count as what they stand for", () => {
  const plain = rowsOf("{ settlements(first: 50) { nodes { leaves { nodes { verdict } } } } }");
  expect(
    rowsOf(`{ ...list } fragment list on Query { settlements(first: 50) { ...page } }
      fragment page on SettlementConnection { nodes { ... on Settlement { ...item } } }
      fragment item on Settlement { leaves { nodes { verdict } } }`),
  ).toBe(plain);
  const twoSizes = rowsOf(`{ a: settlements(first: 50) { ...page } b: settlements(first: 10) { ...page } }
    fragment page on SettlementConnection { nodes { leaves { nodes { verdict } } } }`);
  expect(twoSizes).toBeGreaterThan(1.15 * plain);
  expect(twoSizes).toBeLessThan(1.25 * plain);
  const skipped =
    "query ($x: Boolean!) { settlements(first: 50) @skip(if: $x) { nodes { leaves { nodes { verdict } } } } }";
  expect([rowsOf(skipped, { x: true }), rowsOf(skipped, { x: false })]).toEqual([0, plain]);
});

test("sources are those of the fields that are asked for", () => {
  const sourcesOf = (query: string, variables = {}) => planOf(query, variables).sources;
  expect(sourcesOf("{ __typename asOf { proofsRevision } }")).toEqual({ required: [], optional: [] });
  expect(sourcesOf("{ channels { nodes { state } } }")).toEqual({ required: ["base"], optional: [] });
  expect(sourcesOf("{ payments { nodes { payer } } }")).toEqual({ required: ["base"], optional: ["og"] });
  expect(sourcesOf("{ payments { nodes { payer } } pcrs { nodes { hash } } }")).toEqual({
    required: ["og", "base"],
    optional: [],
  });
  expect(sourcesOf("{ settlements { nodes { kind } } }")).toMatchObject({ required: ["og"], proofs: "read" });
  const id = (text: string) => ({ id: Buffer.from(text).toString("base64url") });
  const node = "query ($id: ID!) { node(id: $id) { id } }";
  expect(sourcesOf(node, id("Channel:0x12"))).toEqual({ required: ["base"], optional: [] });
  expect(sourcesOf(node, id("Nothing:0x12"))).toEqual({ required: [], optional: [] });
  expect(planOf("{ status { version } }").momentary).toBe(true);
});

test("a selection counts as the nodes it draws, and makes its request one of the snapshot's state", () => {
  const selection = (count: number, seed = "") =>
    `{ selectNodes(count: ${count}${seed}) { nodes { node { settlements(first: 50) { nodes { kind } } } } } }`;
  expect(rowsOf(selection(20)) / rowsOf(selection(2))).toBeGreaterThan(9);
  expect(rowsOf("{ selectNodes(count: 1000000) { nodes { rank } } }")).toBeLessThan(20);
  expect(planOf(selection(2))).toMatchObject({ selects: true, momentary: true });
  expect(planOf(selection(2, ', seed: "x"'))).toMatchObject({ selects: true, momentary: false });
  expect(planOf("{ nodes { nodes { score { value } } } }").selects).toBe(false);
  expect(planOf(selection(7)).heaviest?.path).toBe("selectNodes(count: 7).settlements(first: 50)");
});

test("the heaviest part is named by its path", () => {
  expect(
    planOf(
      "{ operators(first: 10) { nodes { nodes(first: 10) { edges { node { heartbeats(first: 90) { nodes { signedAt } } } } } } } }",
    ).heaviest,
  ).toEqual({ path: "operators(first: 10).nodes(first: 10).heartbeats(first: 90)", rows: 9_200 });
});

test("introspection costs what it shows: the whole schema fits once, and multiplies like everything else", () => {
  const everything = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  });
  const once = rowsOf(everything);
  expect(once).toBeGreaterThan(MAX_ROWS / 2);
  expect(once).toBeLessThan(0.8 * MAX_ROWS);
  const bomb = (times: number) =>
    `{ ${Array.from({ length: times }, (_, index) => `a${index}: __schema { ...S }`).join(" ")} }
      fragment S on __Schema { types { name fields { name args { name } type { ...T } } } }
      fragment T on __Type { name fields { name type { name } } }`;
  expect(rowsOf(bomb(14)) / rowsOf(bomb(1))).toBeCloseTo(14, 1);
  expect(rowsOf(bomb(14))).toBeGreaterThan(MAX_ROWS);
  const named = (times: number) =>
    `{ ${Array.from({ length: times }, (_, index) => `a${index}: __type(name: "TeeNode") { fields { name type { name } } }`).join(" ")} }`;
  expect(rowsOf(named(20)) / rowsOf(named(1))).toBeGreaterThan(15);
  expect(rowsOf("{ nodes(first: 100) { nodes { __typename } } }")).toBeGreaterThan(
    rowsOf("{ nodes(first: 100) { pageInfo { endCursor } } }"),
  );
});

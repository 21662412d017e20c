import { getIntrospectionQuery, getOperationAST, graphqlSync, Kind, parse } from "graphql";
import { expect, test } from "vitest";
import { schema } from "../../schema.ts";
import { MAX_ROWS } from "../limits/limits.ts";
import { planOperation } from "./plan.ts";

function rowsOf(query: string): number {
  const document = parse(query);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error("no operation");
  const fragments = new Map(
    document.definitions.flatMap((definition) =>
      definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition] as const] : [],
    ),
  );
  return planOperation(operation, { schema, fragments, variables: {} }).rows;
}

const STANDARD = [true, false].flatMap((all) =>
  [7, 9].map((typeDepth) =>
    getIntrospectionQuery({
      descriptions: all,
      specifiedByUrl: all,
      directiveIsRepeatable: all,
      schemaDescription: all,
      inputValueDeprecation: all,
      oneOf: all,
      typeDepth,
    }),
  ),
);

test.each(STANDARD)("the whole schema may be asked for once, with room for it to grow", (query) => {
  expect(rowsOf(query)).toBeGreaterThan(1_000);
  expect(1.5 * rowsOf(query)).toBeLessThan(MAX_ROWS);
});

/** Objects and leaves of an answer. */
function valuesIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + valuesIn(item), 0);
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + valuesIn(member), 1);
}

test.each([
  ...STANDARD,
  "{ __schema { types { name fields { name args { name } } } } }",
  "{ __schema { types { possibleTypes { name } interfaces { name } enumValues { name } } } }",
  "{ __schema { directives { name locations args { name type { name } } } } }",
  '{ __type(name: "Query") { fields { name args { name type { name ofType { name } } } } } }',
  "{ __schema { ...a } } fragment a on __Schema { types { ...b } } fragment b on __Type { fields { type { ...c } } } fragment c on __Type { kind fields { name } }",
])("an introspection costs no less than it answers", (source) => {
  const { data } = graphqlSync({ schema, source });
  expect(rowsOf(source)).toBeGreaterThan(0.05 * valuesIn(data));
});

test("aliases, fragments and nesting multiply what is introspected", () => {
  const part = "fragment part on __Schema { types { name fields { name description args { name } } } }";
  const times = (count: number) =>
    rowsOf(`{ ${Array.from({ length: count }, (_, n) => `a${n}: __schema { ...part }`).join(" ")} } ${part}`);
  expect(times(14) / times(1)).toBeCloseTo(14, 0);
  const named = (name: string) =>
    rowsOf(`{ __schema { types { ${name} { type { fields { name } } } } } }`) /
    rowsOf(`{ __schema { types { ${name} { name } } } }`);
  expect(named("fields")).toBeGreaterThan(10);
});

test("__typename costs as much as any other value, wherever it is", () => {
  const of = (fields: string) => rowsOf(`{ settlements(first: 100) { nodes { ${fields} } } }`);
  expect(of("__typename kind")).toBe(of("kind relay"));
  const many = Array.from({ length: 40 }, (_, n) => `a${n}: __typename`).join(" ");
  expect(of(many)).toBeGreaterThan(of("kind") + 90);
});

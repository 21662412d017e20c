import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { buildSchema } from "graphql";
import { beforeAll, describe, expect, test } from "vitest";
import { ERROR_KINDS } from "../errors.ts";
import { VOCABULARY } from "../fields/describe.ts";
import { EXPOSED_HEADERS } from "../http/middleware.ts";
import { OPENAPI_FILE } from "../testing/openapi/openapiFile.ts";
import { servedOpenapi } from "../testing/openapi/servedOpenapi.ts";

// biome-ignore lint/suspicious/noExplicitAny: the document is walked as JSON
type Json = any;

let served: string;
let document: Json;

beforeAll(async () => {
  served = await servedOpenapi();
  document = JSON.parse(served);
});

const operations = (): readonly (readonly [string, Json])[] =>
  Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => [`${method} ${path}`, operation] as const),
  );

/** Everything in the document, with where it is. */
function* walk(value: Json, pointer: readonly string[] = []): Generator<readonly [readonly string[], Json]> {
  yield [pointer, value];
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) yield* walk(member, [...pointer, key]);
}

/** Properties of answers; examples have members of their own. */
function* properties(): Generator<readonly [string, string, Json]> {
  for (const [pointer, { properties: members }] of schemasOf(document))
    for (const [name, schema] of Object.entries<Json>(members ?? {})) yield [pointer, name, schema];
}

function* schemasOf(value: Json): Generator<readonly [string, Json]> {
  for (const [pointer, found] of walk(value)) {
    const inExample = pointer.some((key) => key === "example" || key === "examples");
    if (!inExample && typeof found === "object" && found !== null && pointer.at(-1) !== "properties")
      yield [pointer.join("/"), found];
  }
}

test("openapi.json is what is served; npm run schema:openapi writes it anew", () => {
  expect(readFileSync(OPENAPI_FILE, "utf8")).toBe(served);
});

test("it is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  expect(result).toMatchObject({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("every reference leads somewhere, and every component is referred to", () => {
  const references = new Set<string>();
  for (const [, value] of walk(document)) if (typeof value?.$ref === "string") references.add(value.$ref);
  const components = Object.entries<Json>(document.components).flatMap(([kind, members]) =>
    Object.keys(members).map((name) => `#/components/${kind}/${name}`),
  );
  // What is said to those that speak no HTTP, or before a route is found, and GraphQL's: of no operation.
  const elsewhere = ["malformed-request", "request-timeout", "headers-too-large", "route-not-found"];
  const unused = [...elsewhere, "answer-too-large", "invalid-query", "query-too-costly"].map(
    (code) => `#/components/examples/${code}`,
  );
  expect([...references].filter((reference) => !components.includes(reference))).toEqual([]);
  expect(components.filter((component) => !references.has(component)).toSorted()).toEqual(unused.toSorted());
});

describe("examples", () => {
  test("each is valid by its own schema", () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, "openapi.json");
    const escaped = (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1");
    const at = (pointer: readonly string[]) =>
      ajv.compile({ $ref: `openapi.json#/${pointer.map(escaped).map(encodeURIComponent).join("/")}` });
    let checked = 0;
    const check = (pointer: readonly string[], value: unknown) => {
      const validate = at(pointer);
      expect([pointer.join("/"), validate(value), validate.errors]).toEqual([pointer.join("/"), true, null]);
      checked++;
    };
    for (const [pointer, value] of walk(document)) {
      if (typeof value !== "object" || value === null) continue;
      if ("example" in value && "schema" in value) check([...pointer, "schema"], value.example);
      if (Array.isArray(value.examples)) for (const example of value.examples) check(pointer, example);
    }
    for (const { value } of Object.values<Json>(document.components.examples))
      check(["components", "schemas", "Problem"], value);
    expect(checked).toBeGreaterThan(300);
  });

  test("every parameter and every answer has one", () => {
    for (const [name, { parameters = [], responses }] of operations()) {
      for (const { name: parameter, schema } of parameters)
        expect([name, parameter, schema.examples?.length]).toEqual([name, parameter, 1]);
      for (const [type, content] of Object.entries<Json>(responses[200].content))
        if (!/html|plain|event-stream|graphql-response/.test(type) && name !== "get /openapi.json")
          expect([name, type, Object.keys(content)]).toEqual([
            name,
            type,
            expect.arrayContaining(["example"]),
          ]);
    }
  });
});

describe("descriptions", () => {
  test("every operation, parameter and field has one, and times say their unit", () => {
    const silent = [
      ...operations().flatMap(([name, { summary, parameters = [] }]) => [
        ...(summary ? [] : [name]),
        ...parameters
          .filter(({ description }: Json) => !description)
          .map((one: Json) => `${name} ${one.name}`),
      ]),
      ...[...properties()]
        .filter(([, , { description }]) => !description)
        .map(([at, name]) => `${at} ${name}`),
    ];
    expect(silent).toEqual([]);
    const unitless = [...properties()]
      .filter(
        ([, name, { description }]) => /At$|[tT]imestamp$/.test(name) && !/unix seconds/i.test(description),
      )
      .map(([at, name]) => `${at} ${name}`);
    expect(unitless).toEqual([]);
  });

  test("every field that api/fields describes exists", () => {
    // The keys of a record are named in examples only.
    const names = new Set<string>(["constants.key"]);
    const types = Object.values(buildSchema(readFileSync("schema.graphql", "utf8")).getTypeMap());
    for (const type of types)
      if ("getFields" in type)
        for (const name of Object.keys(type.getFields())) names.add(name).add(`${type.name}.${name}`);
    for (const [at, name] of properties()) {
      names.add(name);
      for (const part of at.split("/")) names.add(`${part}.${name}`);
    }
    for (const [, { operationId, parameters = [] }] of operations())
      for (const { name } of parameters) names.add(name).add(`${operationId}.${name}`);
    expect(VOCABULARY.filter((word) => !names.has(word))).toEqual([]);
  });
});

test("operations have ids of their own", () => {
  const ids = operations().map(([, { operationId }]) => operationId);
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
});

test("components are not nullable: what holds them says so", () => {
  const nullable = Object.entries<Json>(document.components.schemas)
    .filter(([, { type }]) => [type].flat().includes("null"))
    .map(([name]) => name);
  expect(nullable).toEqual([]);
});

test("what scripts may read of headers is documented, and so is every code", () => {
  const headers = Object.keys(document.components.headers);
  // Read by browsers themselves.
  const plain = ["Allow", "Cache-Control"];
  const exposed = EXPOSED_HEADERS.split(",").filter((name) => name !== "Date");
  expect(headers.filter((name) => !plain.includes(name)).toSorted()).toEqual(exposed.toSorted());
  expect(Object.keys(document.components.examples)).toEqual(Object.keys(ERROR_KINDS));
});

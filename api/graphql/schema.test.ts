import { readFileSync } from "node:fs";
import {
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  validateSchema,
} from "graphql";
import { expect, test } from "vitest";
import { printedSchema, schema } from "./schema.ts";

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

/** Every coordinate of a type and what is said about it. */
function* described(type: GraphQLNamedType): Generator<readonly [string, string | null | undefined]> {
  yield [type.name, type.description];
  if (isEnumType(type))
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value.description];
  if (isInputObjectType(type))
    for (const field of Object.values(type.getFields()))
      yield [`${type.name}.${field.name}`, field.description];
  if (!isObjectType(type) && !isInterfaceType(type)) return;
  for (const field of Object.values(type.getFields())) {
    yield [`${type.name}.${field.name}`, field.description];
    for (const arg of field.args) yield [`${type.name}.${field.name}(${arg.name}:)`, arg.description];
  }
}

test("schema.graphql is what the code says; npm run schema:graphql writes it anew", () => {
  const written = readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8");
  expect(written).toBe(printedSchema());
});

test("the schema is valid", () => {
  expect(validateSchema(schema)).toEqual([]);
});

test("every type, field, argument and value is described", () => {
  const silent = types.flatMap((type) =>
    [...described(type)].filter(([, text]) => !text).map(([name]) => name),
  );
  expect(silent).toEqual([]);
});

test("times, amounts, durations and shares say their unit", () => {
  const units: Readonly<Record<string, RegExp>> = {
    Timestamp: /unix seconds/i,
    BigInt: /base units/,
    Float: /seconds|milliseconds|hours|0 to 1|worth|score/,
  };
  const unitless = types.flatMap((type) =>
    isObjectType(type) || isInputObjectType(type)
      ? Object.values(type.getFields())
          .filter(({ type: of, description }) => {
            const unit = units[String(of).replace(/[[\]!]/g, "")];
            return unit !== undefined && !unit.test(description ?? "");
          })
          .map(({ name }) => `${type.name}.${name}`)
      : [],
  );
  expect(unitless).toEqual([]);
});

test("every connection has Relay's four and both directions", () => {
  const connections = types.filter(isObjectType).flatMap((type) =>
    Object.values(type.getFields())
      .filter(({ type: of }) => String(of).replace("!", "").endsWith("Connection"))
      .map((field) => [`${type.name}.${field.name}`, field.args.map(({ name }) => name)] as const),
  );
  expect(connections.length).toBeGreaterThan(15);
  for (const [name, args] of connections)
    expect([name, args]).toEqual([name, expect.arrayContaining(["first", "after", "last", "before"])]);
  const pageInfo = schema.getType("PageInfo");
  expect(isObjectType(pageInfo) && Object.keys(pageInfo.getFields()).sort()).toEqual([
    "endCursor",
    "hasNextPage",
    "hasPreviousPage",
    "startCursor",
  ]);
});

test("what reads says so: every connection, and every field that loads", () => {
  const unmarked = types.filter(isObjectType).flatMap((type) =>
    Object.values(type.getFields())
      .filter(({ type: of }) => String(of).replace("!", "").endsWith("Connection"))
      .filter(({ extensions: { reads } }) => typeof reads !== "object" || reads.rowsPerItem === undefined)
      .map(({ name }) => `${type.name}.${name}`),
  );
  expect(unmarked).toEqual([]);
});

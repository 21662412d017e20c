/**
 * Examples, made from the schemas: a name has the same value everywhere, so that an id in one answer is the id to ask the
 * next question with. New fields and routes have theirs by themselves.
 */
import { sampleOf } from "../fields/describe.ts";
import { type JsonSchema, nameOf, resolve, type Schemas } from "./jsonSchema.ts";

/** A value that the schema allows, as an answer might hold it. */
export function exampleOf(schema: JsonSchema, schemas: Schemas, name: string, owner: string): unknown {
  const sample = sampleOf(name, owner);
  if (sample === null) {
    if (types(schema, schemas).includes("null")) return null;
    if (types(schema, schemas).includes("array")) return [];
  }
  const component = nameOf(schema);
  if (component !== null) return exampleOf(resolve(schema, schemas), schemas, component, component);
  const [given] = schema.examples ?? [];
  if (given !== undefined) return given;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum.includes(sample) ? sample : schema.enum[0];
  if (schema.default !== undefined) return schema.default;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) {
    const [first = {}] = alternatives.filter(({ type }) => type !== "null");
    return exampleOf(first, schemas, name, owner);
  }
  switch (types(schema, schemas).find((type) => type !== "null")) {
    case "object":
      return exampleObject(schema, schemas, name);
    case "array":
      return schema.items === undefined ? [] : [exampleOf(schema.items, schemas, name, owner)];
    case "string":
      return typeof sample === "string" && new RegExp(schema.pattern ?? "").test(sample)
        ? sample
        : stringOf(schema);
    case "integer":
      return within(schema, typeof sample === "number" ? sample : 7);
    case "number":
      return within(schema, typeof sample === "number" ? sample : 0.97);
    case "boolean":
      return typeof sample === "boolean" ? sample : true;
    default:
      return null;
  }
}

/** The types that it allows. */
function types(schema: JsonSchema, schemas: Schemas): readonly string[] {
  const { type = [], anyOf = [], oneOf = [] } = resolve(schema, schemas);
  return [type, ...[...anyOf, ...oneOf].map((one) => types(one, schemas))].flat();
}

function exampleObject(
  { properties = {}, required = [], additionalProperties }: JsonSchema,
  schemas: Schemas,
  name: string,
): Readonly<Record<string, unknown>> {
  if (typeof additionalProperties === "object")
    return { [String(sampleOf("key", name))]: exampleOf(additionalProperties, schemas, name, name) };
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([key]) => required.includes(key))
      .map(([key, member]) => [key, exampleOf(member, schemas, key, name)]),
  );
}

const within = ({ minimum, maximum }: JsonSchema, value: number): number =>
  Math.max(minimum ?? value, Math.min(maximum ?? value, value));

/** By its pattern: bytes of the right length, digits, or just text. */
function stringOf({ pattern = "" }: JsonSchema): string {
  const digits = Number(/\{(\d+)\}\$$/.exec(pattern)?.[1] ?? 8);
  if (pattern.includes("0x")) return `0x${"5a17".repeat(digits).slice(0, digits)}`;
  return pattern.includes("\\d") || pattern.includes("[0-9]") ? "1500000000000000000" : "text";
}

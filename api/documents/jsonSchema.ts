/** JSON Schema, as far as our documents use it, and ways through it. */

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
}

/** Where `$ref` leads. */
export type Schemas = Readonly<Record<string, JsonSchema>>;

const REFERENCE = "#/components/schemas/";

/** Of the component that a schema only names; null for others. */
export const nameOf = ({ $ref }: JsonSchema): string | null => $ref?.slice(REFERENCE.length) ?? null;

/** What a schema says, when it only names another. */
export function resolve(schema: JsonSchema, schemas: Schemas): JsonSchema {
  const name = nameOf(schema);
  if (name === null) return schema;
  const target = schemas[name];
  if (target === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return resolve(target, schemas);
}

/** The same schema with every property as `change` has it. */
export function mapProperties(
  schema: JsonSchema,
  owner: string,
  change: (property: JsonSchema, name: string, owner: string) => JsonSchema,
): JsonSchema {
  const inside = (part: JsonSchema) => mapProperties(part, owner, change);
  const { properties, items, additionalProperties, anyOf, oneOf } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [
          name,
          mapProperties(change(property, name, owner), name, change),
        ]),
      ),
    }),
    ...(items && { items: inside(items) }),
    ...(typeof additionalProperties === "object" && { additionalProperties: inside(additionalProperties) }),
    ...(anyOf && { anyOf: anyOf.map(inside) }),
    ...(oneOf && { oneOf: oneOf.map(inside) }),
  };
}

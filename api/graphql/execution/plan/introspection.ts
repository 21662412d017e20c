/**
 * Lengths of introspection's lists, measured from the schema. Below `__schema { types }` all types are visited, so the mean is
 * exact; for a single type the maximum is assumed.
 */
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  isWrappingType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from "graphql";

/** Where an introspection's selections are. */
export interface Introspected {
  /** Whether the lists below are visited for the whole schema, or for any one type. */
  readonly of: "all" | "any";
  /** How many `ofType` were nested directly so far. */
  readonly unwrapped: number;
}

export const NOT_INTROSPECTED: Introspected = { of: "any", unwrapped: 0 };

interface Length {
  readonly max: number;
  readonly mean: number;
}

function lengthOf(counts: readonly number[]): Length {
  const sum = counts.reduce((total, count) => total + count, 0);
  return { max: Math.max(0, ...counts), mean: counts.length === 0 ? 0 : sum / counts.length };
}

const fieldsOf = (type: GraphQLNamedType): readonly GraphQLField<unknown, unknown>[] =>
  isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];

/** The length of each list by its coordinate, such as `__Type.fields`. */
function measure(schema: GraphQLSchema): ReadonlyMap<string, Length> {
  const types = Object.values(schema.getTypeMap());
  const directives = schema.getDirectives();
  const fields = types.flatMap(fieldsOf);
  const perType = (count: (type: GraphQLNamedType) => number): Length => lengthOf(types.map(count));
  return new Map<string, Length>([
    ["__Schema.types", lengthOf([types.length])],
    ["__Schema.directives", lengthOf([directives.length])],
    ["__Type.fields", perType((type) => fieldsOf(type).length)],
    [
      "__Type.interfaces",
      perType((type) => (isObjectType(type) || isInterfaceType(type) ? type.getInterfaces().length : 0)),
    ],
    [
      "__Type.possibleTypes",
      perType((type) =>
        isInterfaceType(type) || isUnionType(type) ? schema.getPossibleTypes(type).length : 0,
      ),
    ],
    ["__Type.enumValues", perType((type) => (isEnumType(type) ? type.getValues().length : 0))],
    [
      "__Type.inputFields",
      perType((type) => (isInputObjectType(type) ? Object.keys(type.getFields()).length : 0)),
    ],
    ["__Field.args", lengthOf(fields.map(({ args }) => args.length))],
    ["__Directive.args", lengthOf(directives.map(({ args }) => args.length))],
    ["__Directive.locations", lengthOf(directives.map(({ locations }) => locations.length))],
  ]);
}

function wrappersOf(type: GraphQLType): number {
  return isWrappingType(type) ? 1 + wrappersOf(type.ofType) : 0;
}

/** The most list and non-null wrappers around a type: further down, every `ofType` is null. */
function maxWrappers(schema: GraphQLSchema): number {
  const types = Object.values(schema.getTypeMap());
  const input = types.flatMap((type) => (isInputObjectType(type) ? Object.values(type.getFields()) : []));
  const output = types.flatMap(fieldsOf);
  const args = [...output, ...schema.getDirectives()].flatMap((owner) => owner.args);
  return [...input, ...output, ...args].reduce((max, { type }) => Math.max(max, wrappersOf(type)), 0);
}

interface Measured {
  readonly lengths: ReadonlyMap<string, Length>;
  readonly wrappers: number;
}

const measured = new WeakMap<GraphQLSchema, Measured>();

function measuresOf(schema: GraphQLSchema): Measured {
  const known = measured.get(schema);
  if (known !== undefined) return known;
  const made = { lengths: measure(schema), wrappers: maxWrappers(schema) };
  measured.set(schema, made);
  return made;
}

/**
 * The expected length of an introspection's list; for other fields 1, or 0 where `ofType` is null.
 * @param coordinate - such as `__Type.fields`.
 */
export function introspectedItems(schema: GraphQLSchema, coordinate: string, under: Introspected): number {
  const { lengths, wrappers } = measuresOf(schema);
  if (coordinate === UNWRAP) return under.unwrapped < wrappers ? 1 : 0;
  const length = lengths.get(coordinate);
  if (length === undefined) return 1;
  return under.of === "all" ? length.mean : length.max;
}

/** Lists that, where the whole schema is visited, visit everything of their kind. */
const OF_ALL: ReadonlySet<string> = new Set(["__Schema.types", "__Schema.directives", "__Type.fields"]);

const UNWRAP = "__Type.ofType";

/** Where the selections of a field are. */
export const introspectedBelow = (coordinate: string, { of, unwrapped }: Introspected): Introspected => ({
  of: coordinate === "Query.__schema" || (of === "all" && OF_ALL.has(coordinate)) ? "all" : "any",
  unwrapped: coordinate === UNWRAP ? unwrapped + 1 : 0,
});

/** Fields that exist without being declared: `__typename` of every type, `__schema` and `__type` of the query. */
export const META_FIELDS: ReadonlyMap<string, GraphQLField<unknown, unknown>> = new Map(
  [SchemaMetaFieldDef, TypeMetaFieldDef, TypeNameMetaFieldDef].map((field) => [field.name, field]),
);

/** How long the lists of introspection are: it reads nothing, and its answers are made of the schema's own parts. */
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from "graphql";

/** Items of a list field of introspection, by its type and name; null for what is no list. */
export type IntrospectionSizes = (typeName: string, fieldName: string, among: Among) => number | null;

/** What the parent is: any of all types alike, as in `__schema { types }`, or one that the query chose. */
export type Among = "all" | "chosen";

/** Of one list: over all types, and for the longest of them. */
interface Length {
  readonly mean: number;
  readonly max: number;
}

const lengthOf = (lengths: readonly number[]): Length => ({
  mean: lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, lengths.length),
  max: Math.max(0, ...lengths),
});

export function introspectionSizes(schema: GraphQLSchema): IntrospectionSizes {
  const types = Object.values(schema.getTypeMap());
  const over = (length: (type: GraphQLNamedType) => number) => lengthOf(types.map(length));
  const fieldsOf = (type: GraphQLNamedType) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
  const directives = schema.getDirectives();
  const exactly = (length: number): Length => ({ mean: length, max: length });
  const lengths: Readonly<Record<string, Length>> = {
    "__Schema.types": exactly(types.length),
    "__Schema.directives": exactly(directives.length),
    "__Type.fields": over((type) => fieldsOf(type).length),
    "__Type.interfaces": over((type) => ("getInterfaces" in type ? type.getInterfaces().length : 0)),
    "__Type.possibleTypes": over((type) => (isAbstractType(type) ? schema.getPossibleTypes(type).length : 0)),
    "__Type.enumValues": over((type) => (isEnumType(type) ? type.getValues().length : 0)),
    "__Type.inputFields": over((type) =>
      isInputObjectType(type) ? Object.keys(type.getFields()).length : 0,
    ),
    "__Field.args": lengthOf(types.flatMap(fieldsOf).map(({ args }) => args.length)),
    "__Directive.args": lengthOf(directives.map(({ args }) => args.length)),
    "__Directive.locations": lengthOf(directives.map(({ locations }) => locations.length)),
  };
  return (typeName, fieldName, among) => {
    const length = lengths[`${typeName}.${fieldName}`];
    if (length === undefined) return null;
    // Fields and directives are never chosen one by one.
    return among === "all" || typeName !== "__Type" ? length.mean : length.max;
  };
}

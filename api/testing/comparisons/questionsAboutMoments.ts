/**
 * Generates every request about a moment from the schemas, so that none is left out: REST's from the parameters in openapi.json,
 * GraphQL's from the fields in schema.graphql. For tests only.
 */
import {
  buildSchema,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from "graphql";

/** The values of required arguments and of filters, by `Type.field.argument`, `field.argument` or the argument's name. */
export type Values = Readonly<Record<string, readonly string[]>>;

export interface GraphQuestion {
  /** The fields it goes through. */
  readonly name: string;
  /** `AT` stands for the arguments of the root field. */
  readonly text: string;
  readonly takesAt: boolean;
}

/** Fields that do not depend on the moment, or are covered elsewhere. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "Query.status", // of the process, not of the chain
  "Query.asOf",
  "Query.scoring",
  "Query.node", // what an id names has a field of its own
  "Query.selectNodes", // by the newest snapshot
]);

const isConnection = (type: GraphQLObjectType) => type.name.endsWith("Connection");
const isEntity = (type: GraphQLObjectType) => type.getInterfaces().some(({ name }) => name === "Node");

export function graphQuestions(sdl: string, values: Values): readonly GraphQuestion[] {
  const schema = buildSchema(sdl);
  const query = schema.getQueryType();
  if (!query) throw new Error("no queries");

  /** Every combination of the arguments that have values, as it stands behind a field's name. */
  function argumentsOf(parent: string, field: GraphQLField<unknown, unknown>): readonly string[] {
    let combinations = [""];
    for (const argument of field.args) {
      if (argument.name === "at") continue;
      const type = getNamedType(argument.type);
      const given =
        values[`${parent}.${field.name}.${argument.name}`] ??
        values[`${field.name}.${argument.name}`] ??
        values[argument.name] ??
        (isEnumType(type) && argument.name !== "registry"
          ? type.getValues().map(({ name }) => name)
          : undefined);
      if (given === undefined) {
        if (isRequiredArgument(argument))
          throw new Error(`no value for ${parent}.${field.name}(${argument.name})`);
        continue;
      }
      combinations = combinations.flatMap((before) =>
        given.map((value) => `${before} ${argument.name}: ${value}`),
      );
    }
    return combinations;
  }

  const itemOf = (type: GraphQLOutputType): GraphQLObjectType | null => {
    const named = getNamedType(type);
    if (!isObjectType(named)) return null;
    if (!isConnection(named)) return named;
    const nodes = named.getFields().nodes;
    return nodes === undefined ? null : itemOf(nodes.type);
  };
  const wrap = (type: GraphQLOutputType, selection: string) => {
    const named = getNamedType(type);
    return isObjectType(named) && isConnection(named) ? `{ nodes { ${selection} } }` : `{ ${selection} }`;
  };
  /** Keeps a request within the cost limit. */
  const fewOf = (type: GraphQLOutputType, count: number) => {
    const named = getNamedType(type);
    return isObjectType(named) && isConnection(named) ? ` first: ${count}` : "";
  };
  const given = (text: string, more = "") => (text + more === "" ? "" : `(${text}${more})`);

  /** The leaves of a type and of the values below it; objects with an id are covered separately. */
  function leavesOf(type: GraphQLObjectType): string {
    const names = Object.values(type.getFields()).flatMap((field) => {
      const named = getNamedType(field.type);
      // an id names its state
      if (field.name === "id" && isEntity(type)) return [];
      if (isLeafType(named)) return field.args.some(isRequiredArgument) ? [] : [field.name];
      const item = itemOf(field.type);
      if (item === null || isEntity(item) || field.args.length > 0) return [];
      return [`${field.name} ${wrap(field.type, leavesOf(item))}`];
    });
    return names.join(" ");
  }

  return Object.values(query.getFields()).flatMap((field) => {
    if (LEFT_OUT.has(`Query.${field.name}`)) return [];
    const item = itemOf(field.type);
    if (item === null) throw new Error(`${field.name} is no object`);
    const takesAt = field.args.some(({ name }) => name === "at");
    return argumentsOf("Query", field).flatMap((text, index) => {
      const name = `${field.name}${given(text)}`;
      const ask = (path: string, few: string, selection: string): GraphQuestion => ({
        name: path,
        text: `${field.name}${given(`${text}${few}`, takesAt ? " AT" : "")} ${wrap(field.type, selection)}`,
        takesAt,
      });
      // what hangs below is the same in any order of the list
      const children = index > 0 ? [] : Object.values(item.getFields());
      const below = children.flatMap((child) => {
        const childItem = itemOf(child.type);
        if (childItem === null || (!isEntity(childItem) && child.args.length === 0)) return [];
        return argumentsOf(item.name, child).map((more) => {
          const selection = `${child.name}${given(`${more}${fewOf(child.type, 4)}`)} ${wrap(child.type, leavesOf(childItem))}`;
          return ask(`${name}.${child.name}${given(more)}`, fewOf(field.type, 2), selection);
        });
      });
      return [ask(name, "", leavesOf(item)), ...below];
    });
  });
}

interface OpenApi {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get?: { readonly parameters?: readonly { readonly name: string; readonly in: string }[] } }
    >
  >;
}

/** The paths with a query parameter, their own parameters replaced by values. */
export function pathsWith(document: OpenApi, parameter: string, values: Values): readonly string[] {
  return Object.entries(document.paths).flatMap(([path, { get }]) => {
    if (!get?.parameters?.some(({ name }) => name === parameter)) return [];
    return [
      path.replace(/\{(\w+)\}/g, (_, name: string) => {
        const [value] = values[`${path}.${name}`] ?? values[name] ?? [];
        if (value === undefined) throw new Error(`no value for ${name} of ${path}`);
        return value.replaceAll('"', "");
      }),
    ];
  });
}

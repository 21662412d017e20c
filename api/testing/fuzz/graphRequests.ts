/** Random GraphQL operations over a whole schema, and what else may be sent to its endpoint. For tests only. */
import type fc from "fast-check";
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from "graphql";
import { below, type KnownObjects, oneOf, someOf, tameValue, wildValue } from "./graphArguments.ts";
import { hostileJson, hostileText, tampered } from "./hostile.ts";

export interface GraphRequest {
  /** Whether grammar, schema and every argument's description allow it. */
  readonly mood: "tame" | "wild";
  /** `Type.field` and `Type.field.argument` of everything selected. */
  readonly asked: ReadonlySet<string>;
  /** Path and query. */
  readonly target: string;
  readonly init: RequestInit;
}

interface Step {
  readonly owner: string;
  readonly field: GraphQLField<unknown, unknown>;
}
/** The fields that lead from the root to one, and last that one. */
type Route = readonly Step[];
export type Routes = readonly Route[];

/** A path to every field that a query can select; two to fields with arguments. */
export function routesOf(schema: GraphQLSchema): Routes {
  const root = schema.getQueryType();
  if (root == null) return [];
  const ways = new Map<GraphQLObjectType, Route>([[root, []]]);
  const routes: Route[] = [];
  // A Map's entries are visited in order, those that are added on the way included.
  for (const [type, way] of ways)
    for (const field of Object.values(type.getFields())) {
      const route = [...way, { owner: type.name, field }];
      routes.push(route, ...(field.args.length > 0 ? [route] : []));
      const next = getNamedType(field.type);
      if (isObjectType(next) && !ways.has(next)) ways.set(next, route);
    }
  return routes;
}

type Variables = Map<string, { readonly type: string; readonly value: unknown }>;

/** An operation while it is written. */
class Operation {
  readonly variables: Variables = new Map();
  readonly asked = new Set<string>();

  constructor(
    readonly gen: fc.GeneratorValue,
    readonly schema: GraphQLSchema,
    readonly known: KnownObjects,
    readonly mood: GraphRequest["mood"],
  ) {}

  /** A walk to any field of the schema, or a tree of whatever is found on the way. */
  query(routes: Routes): string {
    const { gen, schema } = this;
    const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
    if (below(gen, 3) > 0) return this.#whole("query", this.#walk(oneOf(gen, routes)));
    const chosen = [oneOf(gen, fields), oneOf(gen, fields)];
    const selections = [...new Set(chosen)].map((field) => this.#field("Query", field, 2 + below(gen, 3)));
    return this.#whole("query", selections.join(" "));
  }

  subscription(): string {
    const { gen, schema } = this;
    const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {});
    return this.#whole("subscription", this.#field("Subscription", oneOf(gen, fields), 3));
  }

  #whole(kind: "query" | "subscription", selections: string): string {
    const declared = [...this.variables].map(([name, { type }]) => `$${name}: ${type}`);
    return `${kind} Fuzz${declared.length === 0 ? "" : `(${declared.join(", ")})`} { ${selections} }`;
  }

  #walk([step, ...rest]: Route): string {
    if (step === undefined) return "__typename";
    const { owner, field } = step;
    if (rest.length === 0) return this.#field(owner, field, 1 + below(this.gen, 2));
    return `${this.#call(owner, field)} { ${this.#walk(rest)} }`;
  }

  #field(owner: string, field: GraphQLField<unknown, unknown>, depth: number): string {
    const call = this.#call(owner, field);
    const type = getNamedType(field.type);
    return isLeafType(type) ? call : `${call} { ${this.#selection(type, depth - 1)} }`;
  }

  #call(owner: string, field: GraphQLField<unknown, unknown>): string {
    this.asked.add(`${owner}.${field.name}`);
    const args = this.#arguments(owner, field);
    return args.length === 0 ? field.name : `${field.name}(${args.join(", ")})`;
  }

  #selection(type: GraphQLNamedType, depth: number): string {
    const { gen, schema } = this;
    if (isInterfaceType(type)) {
      const object = oneOf(gen, schema.getPossibleTypes(type));
      return `__typename ... on ${object.name} { ${this.#selection(object, depth)} }`;
    }
    if (!isObjectType(type)) return "__typename";
    const fields = Object.values(type.getFields());
    const leaves = fields.filter((field) => isLeafType(getNamedType(field.type)));
    const others = fields.filter((field) => !isLeafType(getNamedType(field.type)));
    const chosen = [...someOf(gen, leaves, 4), ...(depth > 0 ? someOf(gen, others, 2) : [])];
    if (chosen.length === 0) return "__typename";
    return chosen.map((field) => this.#field(type.name, field, depth)).join(" ");
  }

  #arguments(owner: string, { name, args }: GraphQLField<unknown, unknown>): readonly string[] {
    const { gen, mood, known } = this;
    const cursor = owner === "Query" ? known.cursors.get(name) : undefined;
    // A cursor belongs to a list without filters here, so it comes without them.
    if (cursor !== undefined && below(gen, 6) === 0) {
      const text = mood === "tame" ? cursor : gen(tampered, cursor);
      const [back, count] = oneOf(gen, [
        ["after", "first"],
        ["before", "last"],
      ]);
      return [
        this.#given(owner, name, back, "String", text),
        this.#given(owner, name, count, "Int", 1 + below(gen, 5)),
      ];
    }
    const required = args.filter(
      ({ type, defaultValue }) => isNonNullType(type) && defaultValue === undefined,
    );
    const rest = args.filter((arg) => !required.includes(arg));
    const tameRest = rest.filter((arg) => !["after", "before", "last"].includes(arg.name));
    const chosen = [...required, ...someOf(gen, mood === "tame" ? tameRest : rest, 3)];
    return chosen.map((arg) => this.#argument(owner, name, arg));
  }

  #argument(owner: string, field: string, { name, type }: GraphQLArgument): string {
    const { gen, mood, known } = this;
    const value =
      mood === "tame" || below(gen, 3) === 0
        ? tameValue(gen, name, type, known)
        : wildValue(gen, name, type, known);
    return this.#given(owner, field, name, String(type), value);
  }

  /** As a variable: JSON has a way to say any value, and GraphQL's grammar has its own turn. */
  #given(owner: string, field: string, argument: string, type: string, value: unknown): string {
    this.asked.add(`${owner}.${field}.${argument}`);
    const variable = `v${this.variables.size}`;
    this.variables.set(variable, { type, value });
    return `${argument}: $${variable}`;
  }
}

/** A value as GraphQL's grammar writes it; words in capitals are taken for enums' values. */
function literal(value: unknown): string {
  if (typeof value === "string") return /^[A-Z][A-Z0-9_]+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([key, part]) => `${key}: ${literal(part)}`)
      .join(", ")}}`;
  return String(value);
}

/** The same operation with its values in its text. */
const inlined = (query: string, variables: Variables): string =>
  query
    .replace(/^(\w+ Fuzz)\([^{]*\) \{/, "$1 {")
    .replaceAll(/\$(v\d+)/g, (_, name: string) => literal(variables.get(name)?.value));

const JSON_TYPE = "application/json";
const EVENTS_TYPE = "text/event-stream";

function post(
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Pick<GraphRequest, "target" | "init"> {
  return {
    target: "/graphql",
    init: { method: "POST", body, headers: { "Content-Type": JSON_TYPE, ...headers } },
  };
}

/** Well-formed text with something put into it, or in the place of a part. */
function spliced(gen: fc.GeneratorValue, text: string): string {
  const place = below(gen, text.length + 1);
  const put = oneOf(gen, [
    "{",
    "}",
    "(",
    ")",
    "...",
    "@skip(if: true)",
    "$v0",
    '"',
    "#",
    "!",
    "\0",
    "\ud800",
    "",
  ]);
  const more = below(gen, 4) === 0 ? gen(() => hostileText) : put;
  return text.slice(0, place) + more + text.slice(place + below(gen, 4));
}

const NEST = 400;
const BOMBS: readonly string[] = [
  "",
  "{",
  "{ __typename }",
  "query",
  "fragment F on Query { ...F } { ...F }",
  "{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }",
  `{ ${"a".repeat(5_000)} }`,
  `{ ${"asOf { __typename } ".repeat(900)} }`,
  `{ ${Array.from({ length: 60 }, (_, index) => `a${index}: __typename`).join(" ")} }`,
  "{ nodes { ".repeat(NEST) + "}".repeat(2 * NEST),
  `{ nodes(filter: ${"[".repeat(NEST)}${"]".repeat(NEST)}) { totalCount } }`,
  `{ nodes(filter: ${"{owner: ".repeat(NEST)}1${"}".repeat(NEST)}) { totalCount } }`,
  `{ __schema { ${"types { fields { type { ".repeat(6)}name${" } } }".repeat(6)} } }`,
  `{ ${Array.from({ length: 14 }, (_, index) => `a${index}: __schema { ...S }`).join(" ")} }
    fragment S on __Schema { types { name description fields { name args { name } type { ...T } } } }
    fragment T on __Type { name description fields { name description args { name description } type { name ofType { name } } } }`,
  `${"{a".repeat(45_000)}\u0000`,
  `{ node(id: "a\\u0000") { id } }`,
  `{ node(id: "a\\ud800") { id } }`,
  `{ ${"nodes { nodes { teeId } } ".repeat(300)} }`,
  "query A { __typename } query B { __typename }",
  "mutation { __typename }",
  "subscription { events { __typename } ...F } fragment F on Subscription { events { __typename } }",
  "query ($v: Nosuch!) { __typename }",
  "query ($v: Int = 99999999999) { nodes(first: $v) { totalCount } }",
  '{ __typename @include(if: "x") }',
  "{ __typename @nosuch @nosuch }",
  "{ nodes(first: 99999999999999999999) { totalCount } }",
  "{ nodes(first: 1e400) { totalCount } }",
  `${"{a".repeat(20_000)}\u0007`,
  `{ nodes(filter: { owner: "\\u0000" }) { totalCount } }`,
  `{ settlement(eventId: "${"x".repeat(5_000)}") { id } }`,
  `{ ${"asOf { og { blockNumber } } ".repeat(250)} }`,
  Array.from({ length: 60 }, (_, index) => `query Q${index} { __typename }`).join(" "),
  `{ ${"a".repeat(300)}: __typename }`,
];

/** Deeply nested JSON. */
const nested = (levels: number, [open, close]: readonly [string, string]): string =>
  `${open.repeat(levels)}0${close.repeat(levels)}`;

/** A body with a value that no program should have to look into, where any operation may have values. */
function deepRequest(gen: fc.GeneratorValue, query: string): Pick<GraphRequest, "target" | "init"> {
  const value = oneOf(gen, [
    nested(1 + below(gen, 9_000), ["[", "]"]),
    nested(1 + below(gen, 9_000), ['{"a":', "}"]),
    JSON.stringify("x".repeat(below(gen, 9_000))),
    JSON.stringify(["a\0b"]),
    JSON.stringify({ "a\0": "\ud800" }),
    JSON.stringify({ toString: 1, valueOf: [] }),
    JSON.stringify(Array.from({ length: below(gen, 4_000) }, () => 0)),
  ]);
  const member = oneOf(gen, [
    '"variables":{"unused":',
    '"extensions":{"maxLag":',
    '"extensions":{"persistedQuery":',
    '"extensions":{"other":',
  ]);
  return post(`{"query":${JSON.stringify(query)},${member}${value}}}`);
}

/** Bodies and URLs that are hardly GraphQL any more. */
function oddRequest(gen: fc.GeneratorValue, query: string): Pick<GraphRequest, "target" | "init"> {
  const ok = "{ __typename }";
  switch (below(gen, 12)) {
    case 11:
      return deepRequest(gen, oneOf(gen, [ok, query, "subscription { events { cursor } }"]));
    case 0:
      return post(JSON.stringify(gen(() => hostileJson)) ?? "");
    case 1:
      return post(gen(() => hostileText));
    case 2:
      return post(JSON.stringify({ query: gen(() => hostileJson) }));
    case 3:
      return post(JSON.stringify({ query: ok, variables: gen(() => hostileJson) }));
    case 4:
      return post(JSON.stringify({ query: ok, operationName: gen(() => hostileJson) }));
    case 5:
      return post(
        JSON.stringify({
          query: ok,
          extensions: { [oneOf(gen, ["maxLag", "persistedQuery"])]: gen(() => hostileJson) },
        }),
      );
    case 6:
      return post(JSON.stringify([{ query: ok }, { query: ok }]));
    case 7: {
      const depth = oneOf(gen, [5, 11, 1_000, 20_000]);
      const [open, close] = oneOf(gen, [
        ["[", "]"],
        ['{"a":', "}"],
      ] as const);
      const nested = `${open.repeat(depth)}1${close.repeat(depth)}`;
      const name = oneOf(gen, ["variables", "extensions", "operationName", "query"]);
      const kind = oneOf(gen, [ok, "subscription { events { __typename } }"]);
      return post(`{"query":${JSON.stringify(kind)},"${name}":{"unused":${nested}}}`);
    }
    case 8: {
      const value = oneOf<unknown>(gen, [
        "\0",
        "\ud800",
        "x".repeat(5_000),
        { toString: 1 },
        { toJSON: 1, valueOf: [] },
      ]);
      const declared =
        "query ($filter: PaymentFilter, $n: Int, $a: Address) { payments(first: $n, filter: $filter) { nodes { id } } payer(address: $a) { id } }";
      return post(
        JSON.stringify({
          query: declared,
          variables: { filter: { payer: value }, n: value, a: value, unused: value },
        }),
      );
    }
    case 9: {
      const type = oneOf(gen, [
        "text/plain",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-16",
        "x",
      ]);
      return post(oneOf(gen, [query, JSON.stringify({ query })]), { "Content-Type": type });
    }
    default: {
      const parameters = new URLSearchParams({ query: ok });
      parameters.append(
        oneOf(gen, ["variables", "extensions", "operationName", "maxLag", "query", "nosuch"]),
        gen(() => hostileText),
      );
      return {
        target: `/graphql?${parameters}`,
        init: { method: oneOf(gen, ["GET", "GET", "HEAD", "PUT"]) },
      };
    }
  }
}

/** The next random request. Most are valid, many have a single error. */
export function graphRequest(
  gen: fc.GeneratorValue,
  schema: GraphQLSchema,
  routes: Routes,
  known: KnownObjects,
): GraphRequest {
  const mood = below(gen, 3) === 0 ? "tame" : "wild";
  const operation = new Operation(gen, schema, known, mood);
  const kind = below(gen, 20) === 0 ? "subscription" : "query";
  const query = kind === "query" ? operation.query(routes) : operation.subscription();
  const variables = Object.fromEntries([...operation.variables].map(([name, { value }]) => [name, value]));
  const { asked } = operation;
  const way = below(gen, mood === "tame" ? 6 : 10);
  if (way >= 8)
    return {
      mood,
      asked: new Set(),
      ...(way === 8 ? oddRequest(gen, query) : post(JSON.stringify({ query: oneOf(gen, BOMBS) }))),
    };
  const accept = new Map(kind === "subscription" ? [["Accept", EVENTS_TYPE]] : []);
  if (way === 7)
    return {
      mood,
      asked: new Set(),
      ...post(JSON.stringify({ query: spliced(gen, query), variables }), Object.fromEntries(accept)),
    };
  if (way === 6 || way === 5)
    return {
      mood,
      asked,
      ...post(JSON.stringify({ query: inlined(query, operation.variables) }), Object.fromEntries(accept)),
    };
  if (way === 4 && kind === "query") {
    const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
    return { mood, asked, target: `/graphql?${parameters}`, init: { method: "GET" } };
  }
  return { mood, asked, ...post(JSON.stringify({ query, variables }), Object.fromEntries(accept)) };
}

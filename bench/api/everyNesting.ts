/**
 * GraphQL queries from object to object, each as wide as the limit on rows allows: from every root field through one and
 * through two further object fields, with all scalar fields at the end, with and without a count.
 */
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  getOperationAST,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isNonNullType,
  isObjectType,
  parse,
} from "graphql";
import { MAX_ROWS } from "../../api/graphql/execution/limits/limits.ts";
import { planOperation } from "../../api/graphql/execution/plan/plan.ts";
import { schema } from "../../api/graphql/schema.ts";
import type { Examples } from "./examples.ts";

type Field = GraphQLField<unknown, unknown>;

/** Items of the lists on the way: many of little, and few of much. */
const WIDTHS = [100, 20, 4];
const MAX_PAGE_SIZE = 100;

/** Root fields with what they are asked about: the largest of each kind, whatever else an index may be missing for. */
function starts({
  nodes,
  operators,
  payers,
  payees,
  relayers,
  models,
  inferences,
  settlements,
  channels,
  times,
}: Examples) {
  const text = (value: string | undefined) => JSON.stringify(value ?? "");
  const largest = text(nodes[0]);
  const longAgo = `at: ${times[1]}`;
  return new Map<string, readonly string[]>([
    ["channel", [`channelId: ${text(channels[0])}`]],
    ["channels", ["", `filter: { payer: ${text(payers[0])} }`]],
    ["inference", inferences.slice(0, 3).map((id) => `inferenceId: ${text(id)}`)],
    [
      "inferences",
      [
        "",
        `filter: { teeId: ${largest} }`,
        `filter: { payer: ${text(payers[0])} }`,
        `filter: { model: ${text(models[0])} }`,
      ],
    ],
    ["models", ["", "sort: INFERENCES"]],
    ["network", ["", 'registry: "all"']],
    ["nodes", ["", "sort: SCORE", longAgo]],
    ["onchainInferences", ["", `filter: { caller: ${text(payers[0])} }`]],
    ["operator", [`address: ${text(operators[0])}`, `address: ${text(operators[0])}, ${longAgo}`]],
    ["operators", ["", longAgo]],
    ["payer", [`address: ${text(payers[0])}`, `address: ${text(payers[0])}, ${longAgo}`]],
    ["payments", ["", `filter: { payer: ${text(payers[0])} }`, `filter: { payee: ${text(payees[0])} }`]],
    ["pcrs", ["", longAgo]],
    ["relayer", [`address: ${text(relayers[0])}`]],
    ["selectNodes", ['count: 20, seed: "1"']],
    ["settlement", settlements.map((id) => `eventId: ${text(id)}`)],
    [
      "settlements",
      [
        "",
        `filter: { teeId: ${largest} }`,
        `filter: { relayer: ${text(relayers[0])} }`,
        "filter: { kind: BATCH }",
      ],
    ],
    ["teeNode", [`teeId: ${largest}`, `teeId: ${largest}, ${longAgo}`]],
    ["teeTypes", [""]],
  ]);
}

/** Each query as wide as it may be; those too costly even at their narrowest are left out. */
export function everyNesting(examples: Examples): readonly string[] {
  const fields = schema.getQueryType()?.getFields() ?? {};
  const documents = new Set<string>();
  for (const [name, given] of starts(examples)) {
    const field = fields[name];
    if (field === undefined) throw new Error(`the schema's root has no field ${name}`);
    for (const args of given)
      for (const steps of ways(field, 2)) {
        for (const width of steps.length === 1 ? [MAX_PAGE_SIZE] : WIDTHS)
          for (const count of ["", "totalCountAtLeast "]) {
            const widest = widestOf((last) => write(steps, args, { width, last, count }));
            if (widest !== null) documents.add(widest);
          }
      }
  }
  return [...documents];
}

/** The item of a connection, or the object itself. */
function objectOf(field: Field): { readonly type: GraphQLObjectType; readonly isPage: boolean } | null {
  const named = getNamedType(field.type);
  if (!isObjectType(named)) return null;
  const item = getNamedType(named.getFields().nodes?.type);
  return isObjectType(item) && "pageInfo" in named.getFields()
    ? { type: item, isPage: true }
    : { type: named, isPage: false };
}

/** The field alone, and with up to `depth` further fields below it. */
function ways(field: Field, more: number): readonly (readonly Field[])[] {
  const object = objectOf(field);
  if (object === null) return [];
  const next = more === 0 ? [] : Object.values(object.type.getFields());
  return [[field], ...next.flatMap((one) => ways(one, more - 1).map((way) => [field, ...way]))];
}

interface Extent {
  /** Items of each list on the way. */
  readonly width: number;
  /** Items of a list at the end, and whether it is counted. */
  readonly last: number;
  readonly count: string;
}

/** @param given - arguments of the first field. */
function write([field, ...rest]: readonly Field[], given: string, extent: Extent): string {
  const object = field === undefined ? null : objectOf(field);
  if (field === undefined || object === null) return "";
  const isLast = rest.length === 0;
  const size = isLast ? extent.last : extent.width;
  const args = [given, ...(object.isPage ? [`first: ${size}`] : []), ...required(field, given)].filter(
    Boolean,
  );
  const inside = isLast ? values(object.type) : write(rest, "", extent);
  const call = args.length === 0 ? field.name : `${field.name}(${args.join(", ")})`;
  return object.isPage
    ? `${call} { ${isLast ? extent.count : ""}nodes { ${inside} } }`
    : `${call} { ${inside} }`;
}

/** Arguments without which the field cannot be asked for. */
const required = (field: Field, given: string): readonly string[] =>
  field.args
    .filter(
      ({ name, type, defaultValue }) =>
        isNonNullType(type) && defaultValue === undefined && !given.includes(`${name}:`),
    )
    .map(({ name, type }) => {
      const named = getNamedType(type);
      if (isEnumType(named)) return `${name}: ${named.getValues()[0]?.name}`;
      throw new Error(`${field.name}: no example of its argument ${name}`);
    });

/** Every value that needs no argument, and those of objects of plain values. */
function values(type: GraphQLObjectType, deeper = true): string {
  const chosen = Object.values(type.getFields()).flatMap((field) => {
    if (field.args.some(({ type: given }) => isNonNullType(given) || isInputObjectType(getNamedType(given))))
      return [];
    const named = getNamedType(field.type);
    if (isLeafType(named)) return [field.name];
    return deeper && isObjectType(named) && isPlain(named)
      ? [`${field.name} { ${values(named, false)} }`]
      : [];
  });
  return chosen.length === 0 ? "__typename" : chosen.join(" ");
}

const isPlain = (type: GraphQLObjectType): boolean =>
  Object.values(type.getFields()).every(
    (field) => isLeafType(getNamedType(field.type)) && field.args.length === 0,
  );

/** The document with as many items at the end as the limit on rows allows; null when one is too many. */
function widestOf(document: (last: number) => string): string | null {
  const fits = (last: number) => rowsOf(`{ ${document(last)} }`) <= MAX_ROWS;
  if (!fits(1)) return null;
  let [least, most] = [1, MAX_PAGE_SIZE];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (fits(middle)) least = middle;
    else most = middle - 1;
  }
  return `{ ${document(least)} }`;
}

function rowsOf(text: string): number {
  const operation = getOperationAST(parse(text));
  if (operation == null) throw new Error("a document without an operation");
  return planOperation(operation, { schema, fragments: new Map(), variables: {} }).rows;
}

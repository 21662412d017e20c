/** Scalars for numbers: amounts beyond 2^53 as decimal strings, everything else as JSON numbers. */
import { GraphQLScalarType, Kind, type ValueNode } from "graphql";
import { MAX_TIME, TIME_RULE, timeInSmallerUnit } from "../../../queries/state/moment.ts";
import { refuse, refuseLiteral, stringLiteral } from "./refuse.ts";

const AMOUNT_RULE = "a decimal string of at most 78 digits";
const amount = (value: unknown, literal?: ValueNode): string => {
  if (typeof value !== "string" || !/^\d{1,78}$/.test(value))
    throw refuse("BigInt", value, AMOUNT_RULE, literal);
  return value;
};

export const bigIntScalar = new GraphQLScalarType<string, string>({
  name: "BigInt",
  description: "A whole number of any size as a decimal string, such as an amount in a token's base units.",
  parseValue: (value) => amount(value),
  parseLiteral: stringLiteral("BigInt", AMOUNT_RULE, amount),
  serialize(value) {
    if (typeof value !== "string") throw new TypeError("BigInt needs decimal text");
    return value;
  },
});

interface WholeNumberRule {
  readonly min: number;
  /** Bound on input only: whatever the index holds is answered. */
  readonly max: number;
  readonly rule: string;
  /** What a number that breaks the rule probably is, to complete the refusal. */
  readonly hint?: (value: number) => string;
}

function wholeNumber(name: string, { min, max, rule, hint }: WholeNumberRule, description: string) {
  const parse = (value: unknown, literal?: ValueNode): number => {
    if (typeof value !== "number") throw refuse(name, value, rule, literal);
    if (!Number.isSafeInteger(value) || value < min || value > max)
      throw refuse(name, value, `${rule}${hint?.(value) ?? ""}`, literal);
    return value;
  };
  return new GraphQLScalarType<number, number>({
    name,
    description,
    parseValue: (value) => parse(value),
    parseLiteral(node) {
      if (node.kind !== Kind.INT) throw refuseLiteral(name, node, rule);
      return parse(Number(node.value), node);
    },
    serialize(value) {
      if (typeof value !== "number" || !Number.isSafeInteger(value))
        throw new TypeError(`${name} needs a safe integer`);
      return value;
    },
  });
}

export const timestampScalar = wholeNumber(
  "Timestamp",
  { min: 0, max: MAX_TIME, rule: TIME_RULE, hint: timeInSmallerUnit },
  "A moment in unix seconds (whole seconds since 1970-01-01 UTC), a JSON number. An argument is at most 32503680000, the year 3000.",
);

export const longScalar = wholeNumber(
  "Long",
  {
    min: -Number.MAX_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
    rule: "a whole number of at most 2^53-1",
  },
  "A whole number of at most 2^53-1, a JSON number: GraphQL's Int ends at 2^31-1.",
);

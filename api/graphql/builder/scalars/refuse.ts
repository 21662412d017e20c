/** Refusals of values that a scalar does not accept. */
import { GraphQLError, Kind, print, type ValueNode } from "graphql";

const MAX_ECHO_LENGTH = 100;

const refusal = (scalar: string, shown: string, rule: string, literal?: ValueNode): GraphQLError =>
  new GraphQLError(`${scalar}: ${shorten(shown)} is not ${rule}`, { nodes: literal });

/** @param literal - the value in the query, for its position; graphql-js adds the position of a variable. */
export const refuse = (scalar: string, value: unknown, rule: string, literal?: ValueNode): GraphQLError =>
  refusal(scalar, typeof value === "string" ? `"${value}"` : String(value), rule, literal);

/** The refusal of a literal of the wrong kind, quoted as the query has it. */
export const refuseLiteral = (scalar: string, literal: ValueNode, rule: string): GraphQLError =>
  refusal(scalar, print(literal), rule, literal);

const shorten = (text: string): string =>
  text.length <= MAX_ECHO_LENGTH ? text : `${text.slice(0, MAX_ECHO_LENGTH)}…`;

/** Parses a literal of a scalar that is written as a string. */
export const stringLiteral =
  (scalar: string, rule: string, parse: (value: unknown, literal: ValueNode) => string) =>
  (node: ValueNode): string => {
    if (node.kind !== Kind.STRING) throw refuseLiteral(scalar, node, rule);
    return parse(node.value, node);
  };

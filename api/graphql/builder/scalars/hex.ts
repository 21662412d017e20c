/** Scalars written as 0x hex. Input may have any letter case, the prefix too; answers are in lower case. */
import { GraphQLScalarType, type ValueNode } from "graphql";
import { refuse, stringLiteral } from "./refuse.ts";

function hexText(
  name: string,
  pattern: RegExp,
  rule: string,
  description: string,
): GraphQLScalarType<string, string> {
  const parse = (value: unknown, literal?: ValueNode): string => {
    if (typeof value !== "string" || !pattern.test(value)) throw refuse(name, value, rule, literal);
    return value.toLowerCase();
  };
  return new GraphQLScalarType<string, string>({
    name,
    description,
    parseValue: (value) => parse(value),
    parseLiteral: stringLiteral(name, rule, parse),
    serialize(value) {
      // Only input is checked: whatever the index holds is answered.
      if (typeof value !== "string") throw new TypeError(`${name} needs text`);
      return value;
    },
  });
}

export const hexScalar = hexText(
  "Hex",
  /^0[xX](?:[0-9a-fA-F]{2})*$/,
  "0x and an even number of hex digits",
  "Bytes as hex with 0x, lower case in answers. Ids and hashes have 32 bytes.",
);

export const addressScalar = hexText(
  "Address",
  /^0[xX][0-9a-fA-F]{40}$/,
  "a 20-byte address, 0x and 40 hex digits",
  "A 20-byte address as hex with 0x, lower case in answers.",
);

export const registryScalar = hexText(
  "Registry",
  /^(?:0x[0-9a-f]{40}|all)$/i,
  "a registry's 20-byte address, 0x and 40 hex digits, or all",
  "The address of a TEE registry, or `all`. Where it is left out the first configured registry is meant.",
);

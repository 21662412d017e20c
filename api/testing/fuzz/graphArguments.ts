/** Values of GraphQL arguments, by the types that introspection shows. For tests only. */
import fc from "fast-check";
import { type GraphQLInputType, isEnumType, isInputObjectType, isListType, isNonNullType } from "graphql";
import { hostileJson, nearly } from "./hostile.ts";
import { orderRange } from "./orderedRange.ts";

/** Values that exist in the test world. */
export interface KnownObjects {
  /** Values that objects have, by the name of the field. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** A cursor of each of the root's lists, by its field. */
  readonly cursors: ReadonlyMap<string, string>;
  /** Unix seconds of the newest block. */
  readonly head: number;
}

export const below = (gen: fc.GeneratorValue, limit: number): number => gen(fc.nat, limit - 1);

export function oneOf<T>(gen: fc.GeneratorValue, values: readonly T[]): T {
  const value = values[below(gen, values.length)];
  if (value === undefined) throw new RangeError("nothing to choose from");
  return value;
}

/** Some of them, each with the same chance. */
export const someOf = <T>(gen: fc.GeneratorValue, values: readonly T[], most: number): readonly T[] =>
  gen(
    (count: number, limit: number) =>
      fc.subarray(
        Array.from({ length: count }, (_, index) => index),
        { maxLength: Math.min(count, limit) },
      ),
    values.length,
    most,
  ).flatMap((index) => values.slice(index, index + 1));

/** Arguments that mean a field by another name. */
const ALIASES: Readonly<Record<string, string>> = {
  pcrHash: "hash",
  only: "teeId",
  exclude: "teeId",
  excludeOwner: "owner",
  model: "name",
  address: "owner",
};

const HASH = `0x${"ab".repeat(32)}`;
const ADDRESS = `0x${"ab".repeat(20)}`;

/** Values that the type and the argument's description allow. */
export function tameValue(
  gen: fc.GeneratorValue,
  name: string,
  type: GraphQLInputType,
  known: KnownObjects,
): unknown {
  if (isNonNullType(type)) return tameValue(gen, name, type.ofType, known);
  if (isListType(type))
    return Array.from({ length: below(gen, 3) }, () => tameValue(gen, name, type.ofType, known));
  if (isEnumType(type)) return oneOf(gen, type.getValues()).name;
  if (isInputObjectType(type))
    return orderRange(
      Object.fromEntries(
        someOf(gen, Object.values(type.getFields()), 3).map((field) => [
          field.name,
          tameValue(gen, field.name, field.type, known),
        ]),
      ),
    );
  const there = known.values.get(ALIASES[name] ?? name) ?? [];
  const hex = there.filter((value) => value.startsWith("0x"));
  switch (type.name) {
    case "Boolean":
      return below(gen, 2) === 1;
    case "Int":
      return name === "first" || name === "last" ? below(gen, 6) : 1 + below(gen, 2);
    case "Float":
      return below(gen, 11) / 10;
    case "Timestamp":
      return known.head - below(gen, 20 * 86_400);
    case "Address":
      return oneOf(gen, [...hex, ADDRESS]);
    case "Registry":
      return oneOf(gen, [...hex, ADDRESS, "all"]);
    case "Hex":
      return oneOf(gen, [...hex, HASH]);
    default:
      return oneOf(gen, [...there, "none"]);
  }
}

const EDGES: Readonly<Record<string, readonly unknown[]>> = {
  Int: [-1, 0, 1, 20, 21, 100, 101, 255, 256, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)],
  Float: [-0.1, 0, 1, 1.1, 100, 100.1, 1e308, 5e-324],
  Timestamp: [-1, 0, 1, 2 ** 31, 2 ** 53 - 1, 2 ** 53, 1e300, 1.5],
  Hex: ["0x", "0x0", `0x${"00".repeat(31)}`, `0x${"00".repeat(33)}`, `0x${"00".repeat(4_000)}`],
};

/** Any value, close to the valid ones or far from them. */
export function wildValue(
  gen: fc.GeneratorValue,
  name: string,
  type: GraphQLInputType,
  known: KnownObjects,
): unknown {
  const inner = isNonNullType(type) ? type.ofType : type;
  const tame = tameValue(gen, name, type, known);
  const chance = below(gen, 8);
  if (chance < 2) return gen(() => hostileJson);
  if (isInputObjectType(inner)) {
    const fields = Object.values(inner.getFields());
    const chosen = someOf(gen, fields, 3).map((field) => [
      field.name,
      wildValue(gen, field.name, field.type, known),
    ]);
    return Object.fromEntries([...chosen, ...(chance === 2 ? [["nosuch", 1]] : [])]);
  }
  if (chance === 2) return [tame, tame];
  const edges = "name" in inner ? EDGES[inner.name] : undefined;
  if (chance < 5 && edges !== undefined) return oneOf(gen, edges);
  return chance < 5 && typeof tame === "string" ? gen(nearly, tame) : tame;
}

/** Values of a REST parameter, by the schema that `/openapi.json` has of it. For tests only. */
import fc from "fast-check";
import { hostileText, nearly, tampered } from "./hostile.ts";

export interface ParameterSchema {
  readonly type?: "string" | "integer" | "number" | "boolean";
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly examples: readonly unknown[];
}

/** What the schema says of a text: `open` where a server may choose, or the schema does not say all. */
export type Judgement = "valid" | "invalid" | "open";

const within = (value: number, { minimum, maximum }: ParameterSchema): Judgement =>
  value >= (minimum ?? Number.NEGATIVE_INFINITY) && value <= (maximum ?? Number.MAX_SAFE_INTEGER)
    ? "valid"
    : "invalid";

/** Judges by the schema alone. */
export function judge(schema: ParameterSchema, text: string): Judgement {
  if (schema.enum !== undefined) return schema.enum.includes(text) ? "valid" : "invalid";
  if (schema.type === "boolean") return text === "true" || text === "false" ? "valid" : "invalid";
  if (schema.type === "integer") {
    if (/^(0|[1-9]\d{0,15})$/.test(text)) return within(Number(text), schema);
    return /^0\d+$/.test(text) ? "open" : "invalid";
  }
  if (schema.type === "number") {
    if (/^(0|[1-9]\d{0,8})(\.\d{1,6})?$/.test(text)) return within(Number(text), schema);
    return text.trim() !== "" && Number.isFinite(Number(text)) ? "open" : "invalid";
  }
  if (schema.pattern !== undefined) {
    const pattern = new RegExp(schema.pattern);
    if (pattern.test(text)) return "valid";
    return pattern.test(text.trim()) ? "open" : "invalid";
  }
  const { minLength = 0, maxLength } = schema;
  if (maxLength === undefined || text.includes("\0")) return "open";
  return text.length >= minLength && text.length <= maxLength ? "valid" : "invalid";
}

export interface KnownPage {
  /** Of the operation: `/v1/nodes/{teeId}/heartbeats`. */
  readonly operation: string;
  /** The parameter's value. */
  readonly path: string;
  readonly endCursor: string;
}

/** Values that exist in the test world. */
export interface Known {
  /** Values that answers have, by the name of the field. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** First pages of lists. */
  readonly pages: readonly KnownPage[];
  /** Unix seconds of the newest block. */
  readonly head: number;
}

/** Parameters that mean a field by another name. */
const ALIASES: Readonly<Record<string, string>> = {
  only: "teeId",
  exclude: "teeId",
  excludeOwner: "owner",
  metric: "",
};
const TIMES = new Set(["at", "from", "to"]);
const MAX_DAYS = 40;

export const cursors = ({ pages }: Known): fc.Arbitrary<string> =>
  fc.constantFrom(...pages.map(({ endCursor }) => endCursor));

/** Values that the schema has nothing against, most of them with something to find. */
export function tameValues(name: string, schema: ParameterSchema, known: Known): fc.Arbitrary<string> {
  if (name === "after") return cursors(known);
  if (name === "maxLag") return fc.constantFrom("60", "3600", String(Number.MAX_SAFE_INTEGER));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === "boolean") return fc.constantFrom("true", "false");
  if (TIMES.has(name))
    return fc.integer({ min: known.head - MAX_DAYS * 86_400, max: known.head }).map(String);
  if (schema.type === "integer" || schema.type === "number") {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = schema;
    return fc
      .oneof(
        fc.integer({ min: minimum, max: Math.min(maximum, minimum + 12) }),
        fc.integer({ min: minimum, max: maximum }),
      )
      .map(String);
  }
  const values = known.values.get(ALIASES[name] ?? name) ?? [];
  return fc.constantFrom(...values, ...schema.examples.map(String));
}

/** The edges of what the schema allows, and the first values beyond them. */
function boundaries({ type, minimum, maximum, minLength, maxLength }: ParameterSchema): readonly string[] {
  if (type === "integer" || type === "number")
    return [minimum, maximum].flatMap((edge) =>
      edge === undefined ? [] : [String(edge - 1), String(edge), String(edge + 1)],
    );
  return [minLength, maxLength].flatMap((edge) =>
    edge === undefined ? [] : [edge - 1, edge, edge + 1].map((length) => "x".repeat(Math.max(0, length))),
  );
}

/** Anything at all, near what the schema allows and far from it. */
export function wildValues(name: string, schema: ParameterSchema, known: Known): fc.Arbitrary<string> {
  const tame = tameValues(name, schema, known);
  const edges = boundaries(schema);
  return fc.oneof(
    { weight: 2, arbitrary: tame },
    ...(edges.length === 0 ? [] : [{ weight: 2, arbitrary: fc.constantFrom(...edges) }]),
    { weight: 2, arbitrary: tame.chain(nearly) },
    { weight: 3, arbitrary: hostileText },
    ...(name === "after" ? [{ weight: 8, arbitrary: cursors(known).chain(tampered) }] : []),
  );
}

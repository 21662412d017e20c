/**
 * Examples for the documents, made from the schemas: what a field's name and pattern say is shown in the same way everywhere,
 * so that an id in one answer is the id to ask another question with. New fields and routes have theirs by themselves.
 */

/** JSON Schema, as far as our documents use it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly pattern?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
}

/** Where `$ref` leads. */
export type Schemas = Readonly<Record<string, JsonSchema>>;

const REFERENCE = "#/components/schemas/";

export function resolve(schema: JsonSchema, schemas: Schemas): JsonSchema {
  if (schema.$ref === undefined) return schema;
  const target = schemas[schema.$ref.slice(REFERENCE.length)];
  if (target === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return resolve(target, schemas);
}

/** Bytes that can be told apart by people. */
const bytes = (length: number, seed: string): string => `0x${seed.repeat(length).slice(0, 2 * length)}`;

const TEE_ID = bytes(32, "7ee1d0a5");
const TRANSACTION = bytes(32, "c0ffee42");
const OWNER = bytes(20, "0b5e55ed");
const PAYER = bytes(20, "decade01");
/** OPG on Base: what payments are made in. */
const TOKEN = "0xfbc2051ae2265686a469421b2c5a2d5462fbf5eb";
const MINUTE = 1_790_000_040;

/** Strings by the name of their field: the first that fits. */
const NAMED_STRINGS: readonly (readonly [RegExp, string])[] = [
  [/^teeId$|^only$|^exclude$/, TEE_ID],
  [/^txHash$|TxHash$/, TRANSACTION],
  [/^token$/, TOKEN],
  [/^owner$|^excludeOwner$|^operator$/, OWNER],
  [/payer/i, PAYER],
  [/^inferenceId$/, bytes(32, "1fe2e4ce")],
  [/inputHash/i, bytes(32, "1a907c5e")],
  [/outputHash/i, bytes(32, "0a7b07c5")],
  [/root$/i, bytes(32, "be2c1e00")],
  [/pcr.*hash|^hash$/i, bytes(32, "9c2a55e5")],
  [/signature$/i, bytes(16, "51673d00")],
  [/publicKey|keyConfig|certificate|hex$|data$/i, bytes(16, "ab1e5eed")],
  [/endpoint/i, "https://tee.example:8443"],
  [/^model$/, "openai/gpt-5"],
  [/version/i, "v1"],
  [/blobId/, "Zm9yIGV4YW1wbGUgYSBXYWxydXMgYmxvYiBpZCBoZXJl".slice(0, 43)],
  [/cursor|^after$/i, "eyJ2IjoyfQ"],
  [/^seed$/, "2a"],
  [/^instance$/, "/v1/nodes"],
];

const ADDRESS_NAMES =
  /address|relay|sender|registry|receiver|facilitator|caller|account|authorizer|payee|hub|signer/i;

/** Whole numbers by the name of their field. */
const NAMED_NUMBERS: readonly (readonly [RegExp, number])[] = [
  [/^chainId$/, 10_740],
  [/At$|^from$|^to$|^at$|timestamp|validUntil|time$/i, MINUTE],
  [/block/i, 4_810_226],
  [/seconds|age/i, 12],
  [/rank|ordinal/i, 1],
  [/logIndex|index$/i, 3],
  [/tokens$/i, 412],
];

/** A value that the schema allows, as an answer might hold it. */
export function exampleOf(schema: JsonSchema, schemas: Schemas, name = ""): unknown {
  const { $ref, ...own } = schema;
  if ($ref !== undefined) return exampleOf({ ...resolve(schema, schemas), ...own }, schemas, name);
  const [given] = schema.examples ?? [];
  if (given !== undefined) return given;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum.find((value) => value !== null) ?? null;
  if (schema.allOf !== undefined)
    return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, schemas, name)));
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) {
    const [first = {}] = alternatives.filter(({ type }) => type !== "null");
    return exampleOf(first, schemas, name);
  }
  const types = [schema.type ?? []].flat();
  const type = types.find((one) => one !== "null");
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, member]) => [
          key,
          exampleOf(member, schemas, key),
        ]),
      );
    case "array":
      return schema.items === undefined ? [] : [exampleOf(schema.items, schemas, singular(name))];
    case "string":
      return exampleString(schema, name);
    case "integer":
      return within(schema, NAMED_NUMBERS.find(([names]) => names.test(name))?.[1] ?? 7);
    case "number":
      return within(schema, 0.97);
    case "boolean":
      return true;
    default:
      return null;
  }
}

const singular = (name: string): string => name.replace(/s$/, "");

const within = ({ minimum, maximum }: JsonSchema, value: number): number =>
  Math.max(minimum ?? value, Math.min(maximum ?? value, value));

function exampleString({ pattern, description = "" }: JsonSchema, name: string): string {
  const length = /\{(\d+)\}\)?\$?$/.exec(pattern ?? "")?.[1];
  const named = NAMED_STRINGS.find(([names]) => names.test(name))?.[1];
  if (pattern !== undefined && length !== undefined && pattern.includes("0x")) {
    const size = Number(length) / 2;
    return named !== undefined && named.length === 2 + 2 * size
      ? named
      : bytes(size, size === 20 ? OWNER.slice(2, 10) : TEE_ID.slice(2, 10));
  }
  if (pattern?.startsWith("^\\d")) return "1500000000000000000";
  if (description.includes("chainId-txHash-logIndex")) return `10740-${TRANSACTION}-3`;
  if (named !== undefined) return named;
  if (pattern?.includes("0x")) return ADDRESS_NAMES.test(name) ? OWNER : bytes(32, "1d1d1d1d");
  return name === "" ? "text" : name;
}

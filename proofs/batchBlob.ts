/**
 * Reads the blob of a batch: untrusted bytes that list the leaves under a root on chain. Whatever the blob says about its own
 * tree, only the root of its values counts.
 * @see docs/decisions/0007-what-a-batch-blob-may-look-like.md for which deviations are accepted, and why
 */

import type { Hex } from "./hex.ts";
import type { SignedInference } from "./inference.ts";
import { exceededBound, type JsonBounds } from "./jsonBounds.ts";
import { leafHash, MerkleTree } from "./merkle.ts";

/** Why a blob proves nothing; stable. */
export type BatchProblem =
  | "too-large"
  | "too-deep"
  | "too-many-leaves"
  | "not-json"
  | "wrong-format"
  | "malformed-values"
  | "root-mismatch";

export type BatchBlob =
  /** In the blob's order; hex in lower case. */
  | { readonly leaves: readonly SignedInference[] }
  | { readonly invalid: { readonly reason: BatchProblem; readonly detail: string } };

export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxLeaves: number;
}

export const DEFAULT_BATCH_LIMITS: BatchLimits = { maxBytes: 16 * 1024 * 1024, maxLeaves: 100_000 };

const FORMAT = "standard-v1";
const LEAF_ENCODING = ["bytes32", "bytes32", "bytes32", "bytes", "uint256"] as const;
/** A dump is four deep. */
const MAX_DEPTH = 16;
const SLACK = 1000;

/** A dump has two containers per leaf, and per leaf two nodes of the tree and an entry with six commas inside. */
const jsonBounds = ({ maxLeaves }: BatchLimits): JsonBounds => ({
  depth: MAX_DEPTH,
  containers: 2 * maxLeaves + SLACK,
  commas: 9 * maxLeaves + SLACK,
});

class Refused extends Error {
  constructor(
    readonly reason: BatchProblem,
    detail: string,
  ) {
    super(detail);
  }
}

/**
 * Reads the leaves that a blob proves to be under a root.
 * @param merkleRoot - of the settlement on chain, lower-case.
 */
export function readBatchBlob(
  bytes: Uint8Array,
  merkleRoot: Hex,
  limits: BatchLimits = DEFAULT_BATCH_LIMITS,
): BatchBlob {
  try {
    const leaves = valuesOf(bytes, limits).map(leafOf);
    const { root } = new MerkleTree(leaves.map(hashOf));
    if (root !== merkleRoot)
      throw new Refused("root-mismatch", `the values' root is ${root}; the settlement's is ${merkleRoot}`);
    return { leaves };
  } catch (error) {
    if (error instanceof Refused) return { invalid: { reason: error.reason, detail: error.message } };
    throw error;
  }
}

function valuesOf(bytes: Uint8Array, limits: BatchLimits): readonly unknown[] {
  const { maxBytes, maxLeaves } = limits;
  if (bytes.length > maxBytes)
    throw new Refused("too-large", `the blob has ${bytes.length} bytes; at most ${maxBytes} are read`);
  const dump = parse(bytes, limits);
  if (!isRecord(dump)) throw new Refused("wrong-format", `the blob is ${shown(dump)}, not an object`);
  if (dump.format !== FORMAT)
    throw new Refused("wrong-format", `format is ${shown(dump.format)}, not "${FORMAT}"`);
  if (!isLeafEncoding(dump.leafEncoding))
    throw new Refused("wrong-format", `leafEncoding is not ${JSON.stringify(LEAF_ENCODING)}`);
  const { values } = dump;
  if (!Array.isArray(values) || values.length === 0)
    throw new Refused("malformed-values", `values is ${shown(values)}, not a list of at least one leaf`);
  if (values.length > maxLeaves)
    throw new Refused(
      "too-many-leaves",
      `the blob has ${values.length} leaves; at most ${maxLeaves} are read`,
    );
  return values;
}

function parse(bytes: Uint8Array, limits: BatchLimits): unknown {
  const exceeded = exceededBound(bytes, jsonBounds(limits));
  if (exceeded === "depth")
    throw new Refused("too-deep", `the blob nests more than ${MAX_DEPTH} objects and lists; a dump nests 4`);
  if (exceeded)
    throw new Refused(
      "too-many-leaves",
      `the blob has more ${exceeded} than ${limits.maxLeaves} leaves need`,
    );
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    const cause = error instanceof SyntaxError ? "not JSON" : "not UTF-8";
    throw new Refused("not-json", `the blob's ${bytes.length} bytes are ${cause}`);
  }
}

const isLeafEncoding = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length === LEAF_ENCODING.length &&
  LEAF_ENCODING.every((type, i) => value[i] === type);

function leafOf(entry: unknown, index: number): SignedInference {
  const value = isRecord(entry) ? entry.value : undefined;
  if (!Array.isArray(value) || value.length !== LEAF_ENCODING.length)
    throw malformed(index, `value is ${shown(value)}, not a list of ${LEAF_ENCODING.length}`);
  const [teeId, inputHash, outputHash, signature, timestamp] = value;
  return {
    teeId: lowerCase(teeId, index),
    inputHash: lowerCase(inputHash, index),
    outputHash: lowerCase(outputHash, index),
    signature: lowerCase(signature, index),
    timestamp: uint256(timestamp, index),
  };
}

/** Its length and digits are checked when its bytes are written. */
function lowerCase(value: unknown, index: number): Hex {
  if (typeof value !== "string" || !value.startsWith("0x"))
    throw malformed(index, `${shown(value)} is not 0x-prefixed hex`);
  return value.toLowerCase() as Hex; // it starts with 0x
}

const UINT256 = /^(?:[0-9]{1,78}|0x[0-9a-fA-F]{1,64})$/;

function uint256(value: unknown, index: number): bigint {
  if (typeof value === "string" && UINT256.test(value)) {
    const integer = BigInt(value);
    if (integer < 2n ** 256n) return integer;
  }
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw malformed(
    index,
    `timestamp ${shown(value)} is not a uint256 in decimal or 0x-prefixed hex, nor an integer of at most 2^53-1`,
  );
}

function hashOf(leaf: SignedInference, index: number): Uint8Array {
  try {
    return leafHash(leaf);
  } catch (error) {
    if (error instanceof RangeError) throw malformed(index, error.message);
    throw error;
  }
}

const malformed = (index: number, problem: string) =>
  new Refused("malformed-values", `values[${index}]: ${problem}`);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** An untrusted value for a message: shortened, and without control characters. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80)).replace(/[^ -~]/g, "?");
  return value === undefined ? "absent" : String(value);
}

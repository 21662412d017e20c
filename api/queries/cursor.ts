/** Cursors: opaque to callers, pinned to the state that the first page was made from. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { ApiError } from "../errors.ts";
import type { AsOf } from "./asOf.ts";
import type { Key } from "./page.ts";

export interface Cursor {
  readonly asOf: AsOf;
  readonly key: Key;
}

/** A model's name is 200 code points at most. */
const LONGEST_KEY = 400;
const HASH = /^0x[0-9a-f]{64}$/;

const count = z.int().min(-1);
const chain = z.tuple([count, count, count, z.tuple([count, z.string().regex(HASH)]).nullable()]).nullable();

const cursorSchema = z.strictObject({
  v: z.literal(2),
  /** Digest of path, filters and sort. */
  q: z.string(),
  og: chain,
  base: chain,
  /** The proofs' revision, and the digest of software and configuration. */
  p: z.int().min(0).nullable(),
  s: z.string(),
  k: z.array(z.union([z.string().max(LONGEST_KEY), z.number(), z.null()])).max(4),
});
type Packed = z.infer<typeof cursorSchema>;

/** What a cursor must agree with: the list's name and every parameter that decides which rows there are and in what order. */
export function questionDigest(list: string, parameters: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([list, given]))
    .digest("base64url")
    .slice(0, 16);
}

const pack = (part: AsOf["og"]): Packed["og"] =>
  part === null
    ? null
    : [
        part.chainId,
        part.blockNumber,
        part.blockTime,
        part.evidence === null ? null : [part.evidence.blockNumber, part.evidence.blockHash],
      ];

const unpack = (part: Packed["og"]): AsOf["og"] => {
  if (part === null) return null;
  const [chainId, blockNumber, blockTime, evidence] = part;
  return {
    chainId,
    blockNumber,
    blockTime,
    evidence: evidence === null ? null : { blockNumber: evidence[0], blockHash: evidence[1] },
  };
};

export function encodeCursor({ asOf, key }: Cursor, question: string): string {
  const packed: Packed = {
    v: 2,
    q: question,
    og: pack(asOf.og),
    base: pack(asOf.base),
    p: asOf.proofs,
    s: asOf.origin,
    k: [...key],
  };
  return Buffer.from(JSON.stringify(packed)).toString("base64url");
}

/** Which parameter a cursor came in, and what it has to be, for refusals. */
export interface CursorUse {
  readonly parameter: string;
  readonly rule: string;
}

const AFTER: CursorUse = {
  parameter: "after",
  rule: "the endCursor of a page with the same path, filters and sort",
};

function refuse({ parameter, rule }: CursorUse, text: string, why: string): never {
  throw new ApiError("invalid-cursor", `${parameter}: ${why}; give ${rule}`, {
    parameter,
    value: text.slice(0, 200),
    rule,
  });
}

/**
 * Reads a cursor without asking which question it belongs to.
 * @throws {ApiError} `invalid-cursor`.
 */
export function readCursor(text: string, use: CursorUse = AFTER): Cursor & { readonly question: string } {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return refuse(use, text, "it is not a cursor");
  }
  const parsed = cursorSchema.safeParse(json);
  if (!parsed.success) return refuse(use, text, "it is not a cursor");
  const { q, og, base, p, s, k } = parsed.data;
  return { question: q, asOf: { og: unpack(og), base: unpack(base), proofs: p, origin: s }, key: k };
}

/**
 * Reads a cursor and checks that it belongs to this question.
 * @param keyTypes - of the list's sort key, to keep forged ones away from the database.
 * @throws {ApiError} `invalid-cursor`.
 */
export function decodeCursor(
  text: string,
  question: string,
  keyTypes: readonly KeyType[],
  use: CursorUse = AFTER,
): Cursor {
  const cursor = readCursor(text, use);
  if (cursor.question !== question) refuse(use, text, "it belongs to another list, filter or sort");
  const { key } = cursor;
  const fits =
    key.length === keyTypes.length && key.every((value, index) => isOfType(value, keyTypes[index]));
  if (!fits) refuse(use, text, "it is not a cursor of this list");
  return { asOf: cursor.asOf, key };
}

/** `position` is a whole number, `log` fits int4, `ratio` is a number or null, `hash` is 32 bytes of hex. */
export type KeyType = "position" | "log" | "ratio" | "text" | "hash";

function isOfType(value: string | number | null, type: KeyType | undefined): boolean {
  if (type === "text") return typeof value === "string" && !value.includes("\0");
  if (type === "hash") return typeof value === "string" && HASH.test(value);
  if (type === "ratio") return value === null || typeof value === "number";
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) return false;
  return type === "position" || value < 2 ** 31;
}

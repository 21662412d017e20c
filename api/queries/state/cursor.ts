/**
 * Cursors: opaque to callers, pinned to the state that the first page was made from. Whatever one says was sent by a client:
 * one state and key have one spelling, and `readState` holds the pinned positions against the database.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { CHAIN_NAMES } from "../../../config/environment.ts";
import { ApiError } from "../../errors.ts";
import type { Key } from "../reading/page.ts";
import type { Sources } from "./answerState.ts";
import type { ChainPin, Pin } from "./pin.ts";

export interface Cursor {
  readonly pin: Pin;
  readonly key: Key;
}

/** Longest there is: a model's name has up to 200 code points, which take up to 12 bytes each in JSON. */
export const MAX_CURSOR_LENGTH = 4_096;
const MAX_KEY_LENGTH = 400;
const HASH = /^0x[0-9a-f]{64}$/;

const position = z.int().min(0);
const hash = z.string().regex(HASH);
/** `[block, hash]` when the block carried an event, else `[block, time, evidence block, its hash]`. */
const chain = z
  .union([
    z.tuple([position, hash]),
    z.tuple([position, position]),
    z.tuple([position, position, position, hash]),
  ])
  .nullable();

const cursorSchema = z.strictObject({
  v: z.literal(3),
  /** Digest of path, filters and sort. */
  q: z.string(),
  og: chain,
  base: chain,
  /** The proofs' revision, and the digest of software and configuration. */
  p: position.nullable(),
  s: z.string(),
  k: z.array(z.union([z.string().max(MAX_KEY_LENGTH), z.number(), z.null()])).max(4),
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

const pack = (part: ChainPin | null): Packed["og"] => {
  if (part === null) return null;
  const { blockNumber, blockTime, evidence } = part;
  if (blockTime === null) return evidence === null ? null : [blockNumber, evidence.blockHash];
  return evidence === null
    ? [blockNumber, blockTime]
    : [blockNumber, blockTime, evidence.blockNumber, evidence.blockHash];
};

const unpack = (part: Packed["og"]): ChainPin | null => {
  if (part === null) return null;
  const [blockNumber, second] = part;
  if (typeof second === "string")
    return { blockNumber, blockTime: null, evidence: { blockNumber, blockHash: second } };
  const [, , evidenceBlock, blockHash] = part;
  const evidence =
    evidenceBlock === undefined || blockHash === undefined ? null : { blockNumber: evidenceBlock, blockHash };
  return { blockNumber, blockTime: second, evidence };
};

export function encodeCursor({ pin, key }: Cursor, question: string): string {
  const packed: Packed = {
    v: 3,
    q: question,
    og: pack(pin.og),
    base: pack(pin.base),
    p: pin.proofs,
    s: pin.origin,
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
 * Reads a cursor without asking which list it belongs to.
 * @throws {ApiError} `invalid-cursor`.
 */
export function readCursor(text: string, use: CursorUse = AFTER): Cursor & { readonly question: string } {
  const cursor = text.length > MAX_CURSOR_LENGTH ? null : parse(text);
  // Base64 and JSON have many spellings of one value: only the one that this API writes is a cursor.
  if (cursor === null || encodeCursor(cursor, cursor.question) !== text)
    return refuse(use, text, "it is not a cursor");
  return cursor;
}

function parse(text: string): (Cursor & { readonly question: string }) | null {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    return null;
  }
  const parsed = cursorSchema.safeParse(json);
  if (!parsed.success) return null;
  const { q, og, base, p, s, k } = parsed.data;
  return { question: q, pin: { og: unpack(og), base: unpack(base), proofs: p, origin: s }, key: k };
}

/** What the cursors of a list have in common. */
export interface CursorList {
  /** Digest of the question. */
  readonly question: string;
  /** Of the list's sort key, to keep forged ones away from the database. */
  readonly keyTypes: readonly KeyType[];
  /** What the list is read from: a cursor is pinned to nothing else. */
  readonly sources: Sources;
}

/**
 * Reads a cursor and checks that it belongs to this list.
 * @throws {ApiError} `invalid-cursor`.
 */
export function decodeCursor(
  text: string,
  { question, keyTypes, sources }: CursorList,
  use: CursorUse = AFTER,
): Cursor {
  const cursor = readCursor(text, use);
  if (cursor.question !== question) refuse(use, text, "it belongs to another list, filter or sort");
  const { key, pin } = cursor;
  const fits =
    key.length === keyTypes.length && key.every((value, index) => isOfType(value, keyTypes[index]));
  if (!fits || !isPinnedTo(pin, sources)) refuse(use, text, "it is not a cursor of this list");
  return { pin, key };
}

function isPinnedTo(pin: Pin, { required, optional = [], proofs }: Sources): boolean {
  if (pin.proofs !== null && proofs === undefined) return false;
  return CHAIN_NAMES.every((chain) =>
    pin[chain] === null ? !required.includes(chain) : [...required, ...optional].includes(chain),
  );
}

/**
 * `position` is a whole number from 0, `log` one that fits int4, `count` a whole number or null, `ratio` any number from 0 or
 * null, `hash` 32 bytes of hex. A key may name any place in the list's order, also one where no row is: a page begins beyond
 * it.
 */
export type KeyType = "position" | "log" | "count" | "ratio" | "text" | "hash";

/** What Postgres cannot hold: NUL and halves of surrogate pairs. */
const UNSTORABLE = /[\0\p{Cs}]/u;

function isOfType(value: string | number | null, type: KeyType | undefined): boolean {
  if (type === "text") return typeof value === "string" && !UNSTORABLE.test(value);
  if (type === "hash") return typeof value === "string" && HASH.test(value);
  if (value === null) return type === "ratio" || type === "count";
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return false;
  if (type === "ratio") return true;
  return Number.isSafeInteger(value) && (type !== "log" || value < 2 ** 31);
}

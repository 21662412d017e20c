import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApiError } from "../../errors.ts";
import { type Cursor, decodeCursor, encodeCursor, type KeyType, readCursor } from "./cursor.ts";

const HASH = `0x${"5a".repeat(32)}`;
const QUESTION = "0123456789abcdef";

const position = fc.oneof(fc.nat(), fc.maxSafeNat());
const chainPin = fc.oneof(
  fc.constant(null),
  position.map((blockNumber) => ({
    blockNumber,
    blockTime: null,
    evidence: { blockNumber, blockHash: HASH },
  })),
  fc.tuple(position, position, fc.option(position)).map(([blockNumber, blockTime, evidence]) => ({
    blockNumber,
    blockTime,
    evidence: evidence === null ? null : { blockNumber: evidence, blockHash: HASH },
  })),
);
const anyCursor: fc.Arbitrary<Cursor> = fc.record({
  pin: fc.record({
    og: chainPin,
    base: chainPin,
    proofs: fc.option(position),
    origin: fc.constant("fedcba9876543210"),
  }),
  key: fc.array(fc.oneof(position, fc.string({ unit: "grapheme", maxLength: 60 }), fc.constant(null)), {
    maxLength: 4,
  }),
});

const CURSOR: Cursor = {
  pin: {
    og: { blockNumber: 9, blockTime: 1_800_000_000, evidence: { blockNumber: 7, blockHash: HASH } },
    base: null,
    proofs: null,
    origin: "fedcba9876543210",
  },
  key: [7, 3],
};
const TEXT = encodeCursor(CURSOR, QUESTION);
const JSON_TEXT = Buffer.from(TEXT, "base64url").toString();
const packed = (json: string) => Buffer.from(json).toString("base64url");

test("a cursor is read as it was written", () => {
  fc.assert(
    fc.property(anyCursor, (cursor) => {
      expect(readCursor(encodeCursor(cursor, QUESTION))).toEqual({ ...cursor, question: QUESTION });
    }),
  );
});

test.each([
  `${TEXT}!`,
  `${TEXT}=`,
  ` ${TEXT}`,
  `${TEXT}\n`,
  `${TEXT.slice(0, 5)}!${TEXT.slice(5)}`,
  Buffer.from(` ${JSON_TEXT}`).toString("base64url"),
  Buffer.from(JSON_TEXT).toString("base64"),
  ...[
    JSON_TEXT.replace("[7,3]", "[7, 3]"),
    JSON_TEXT.replace("[7,3]", "[7.0,3]"),
    JSON_TEXT.replace("[7,3]", "[7,-0]"),
    JSON_TEXT.replace("[7,3]", "[7,3e0]"),
    JSON_TEXT.replace("[7,3]", "[7,1e400]"),
    JSON_TEXT.replace('"k"', '"\\u006b"'),
    JSON_TEXT.replace('"base":null', '"base":null,"base":null'),
    JSON_TEXT.replace('"base":null', '"base":null,"more":1'),
    JSON_TEXT.replace('"base":null,', ""),
    JSON_TEXT.replace('"v":3', '"v":4'),
    JSON_TEXT.replace('"og":[9,', '"og":[-1,'),
    JSON_TEXT.replace('"og":[9,', '"og":[9.5,'),
    JSON_TEXT.replace('"og":[9,', '"og":["9",'),
    JSON_TEXT.replace('"og":[9,', '"og":[9007199254740992,'),
    JSON_TEXT.replace(`,7,"${HASH}"]`, "]]"),
    JSON_TEXT.replace(`,7,"${HASH}"]`, ",7]"),
    JSON_TEXT.replace(HASH, HASH.toUpperCase()),
    `[${JSON_TEXT}]`,
    "null",
    "{}",
    "",
  ].map(packed),
  "x".repeat(5_000),
])("other spellings are none: %#", (text) => {
  expect(() => readCursor(text)).toThrow(expect.objectContaining({ code: "invalid-cursor" }));
});

describe("the key of a list", () => {
  const OG = { required: ["og"] } as const;
  const accepts = (types: readonly KeyType[], key: Cursor["key"]): boolean => {
    try {
      decodeCursor(encodeCursor({ ...CURSOR, key }, QUESTION), {
        question: QUESTION,
        keyTypes: types,
        sources: OG,
      });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === "invalid-cursor") return false;
      throw error;
    }
  };

  test.each<[KeyType, readonly unknown[], readonly unknown[]]>([
    ["position", [0, 2 ** 53 - 1], [-1, 0.5, null, "0", 2 ** 53]],
    ["log", [0, 2 ** 31 - 1], [-1, 0.5, null, 2 ** 31]],
    ["count", [null, 0, 2 ** 53 - 1], [-1, 0.5, "0", 1e308]],
    ["ratio", [null, 0, 0.5, 1e308, Number.MIN_VALUE], [-1, "0"]],
    ["text", ["", "🧨", "x".repeat(400)], [0, null, "a\0b", "\ud800", "a\udfff", "x".repeat(401)]],
    ["hash", [HASH], [HASH.toUpperCase(), `${HASH}0`, "", 0, null]],
  ])("%s holds what its column can", (type, good, bad) => {
    // The values are typed as a key may have them.
    const key = (value: unknown) => [value] as Cursor["key"];
    expect(good.filter((value) => !accepts([type], key(value)))).toEqual([]);
    expect(bad.filter((value) => accepts([type], key(value)))).toEqual([]);
    expect(accepts([type], [])).toBe(false);
    expect(accepts([type], [...key(good[0]), ...key(good[0])])).toBe(false);
  });

  test("a cursor is pinned to the sources of its list, and to nothing else", () => {
    const decode = (sources: Parameters<typeof decodeCursor>[1]["sources"], pin: Partial<Cursor["pin"]>) => {
      const text = encodeCursor({ ...CURSOR, pin: { ...CURSOR.pin, ...pin } }, QUESTION);
      return decodeCursor(text, { question: QUESTION, keyTypes: ["position", "log"], sources });
    };
    const refusal = expect.objectContaining({ code: "invalid-cursor" });
    const { og } = CURSOR.pin;
    expect(decode(OG, {}).key).toEqual([7, 3]);
    expect(decode({ ...OG, optional: ["base"], proofs: "read" }, { base: og, proofs: 1 }).pin.proofs).toBe(1);
    expect(() => decode(OG, { base: og })).toThrow(refusal);
    expect(() => decode(OG, { proofs: 1 })).toThrow(refusal);
    expect(() => decode(OG, { og: null })).toThrow(refusal);
  });
});

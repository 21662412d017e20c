import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ChainOffset,
  decodePosition,
  EMPTY_POSITION,
  encodePosition,
  encodeTopic,
  offsetAfter,
  type StreamPosition,
  TOPICS,
  withTopic,
} from "./streamPosition.ts";

const HASH = `0x${"9f8e7d6c5b4a3f2e".padEnd(64, "0")}`;

const anyChain: fc.Arbitrary<ChainOffset | null> = fc.oneof(
  fc.constant(null),
  fc.constant(offsetAfter(null)),
  fc.record({
    block: fc.nat(10 ** 9),
    hash: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 }),
    logIndex: fc.option(fc.nat(999_999_999)),
  }),
);
const anyPlace: fc.Arbitrary<StreamPosition> = fc.record({
  og: anyChain,
  base: anyChain,
  proofs: fc.option(
    fc.record({
      revision: fc.nat(10 ** 9),
      within: fc.option(fc.record({ block: fc.nat(10 ** 9), logIndex: fc.nat(999_999) })),
    }),
  ),
  nodes: fc.option(fc.constantFrom("abcdefghij-", "_0123456789")),
});

test("a position and its id convert into each other", () => {
  fc.assert(
    fc.property(anyPlace, (place) => {
      const id = encodePosition(place);
      expect(id).toMatch(/^[\w.~-]{0,200}$/);
      // Nowhere has no id.
      expect(decodePosition(id)).toEqual(id === "" ? null : place);
    }),
  );
  const place = {
    og: offsetAfter({ number: 42, hash: HASH }, 3),
    base: offsetAfter(null),
    proofs: { revision: 7, within: { block: 41, logIndex: 0 } },
    nodes: null,
  };
  expect(encodePosition(place)).toBe("og42.9f8e7d6c5b4a3f2e.3~base~p7.41.0");
  expect(encodePosition(EMPTY_POSITION)).toBe("");
});

test("text that is not an id is not decoded", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      const place = decodePosition(text);
      expect(place === null || encodePosition(place) === text).toBe(true);
    }),
  );
  for (const id of [
    "",
    "~",
    "og~og",
    "base~og",
    "og1",
    "og1.9f8e7d6c5b4a3f2",
    "og1.9F8E7D6C5B4A3F2E",
    "og01.9f8e7d6c5b4a3f2e",
    "og1.9f8e7d6c5b4a3f2e.",
    "og1.9f8e7d6c5b4a3f2e.9999999999",
    "og9999999999999999.9f8e7d6c5b4a3f2e",
    "og-1.9f8e7d6c5b4a3f2e",
    "p",
    "p1.2",
    "p1e3",
    "nshort",
    "og\n",
    "og1.9f8e7d6c5b4a3f2e ",
    `p${"1".repeat(300)}`,
  ])
    expect([id, decodePosition(id)]).toEqual([id, null]);
});

test("topics are encoded separately, verdicts together with og's rows", () => {
  fc.assert(
    fc.property(anyPlace, (place) => {
      expect(encodeTopic("og", place)).toBe(encodePosition({ ...place, base: null, nodes: null }));
      expect(encodeTopic("base", place)).toBe(encodePosition({ ...EMPTY_POSITION, base: place.base }));
      expect(encodeTopic("nodes", place)).toBe(encodePosition({ ...EMPTY_POSITION, nodes: place.nodes }));
      expect(TOPICS.reduce((known, line) => withTopic(known, line, place), EMPTY_POSITION)).toEqual(place);
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ChainPlace,
  decodePlace,
  encodeLine,
  encodePlace,
  LINES,
  NOWHERE,
  placeAfter,
  type StreamPlace,
  withLine,
} from "./place.ts";

const HASH = `0x${"9f8e7d6c5b4a3f2e".padEnd(64, "0")}`;

const anyChain: fc.Arbitrary<ChainPlace | null> = fc.oneof(
  fc.constant(null),
  fc.constant(placeAfter(null)),
  fc.record({
    block: fc.nat(10 ** 9),
    hash: fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 16, maxLength: 16 }),
    logIndex: fc.option(fc.nat(999_999_999)),
  }),
);
const anyPlace: fc.Arbitrary<StreamPlace> = fc.record({
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

test("an id says where a listener is, and nothing else does", () => {
  fc.assert(
    fc.property(anyPlace, (place) => {
      const id = encodePlace(place);
      expect(id).toMatch(/^[\w.~-]{0,200}$/);
      // Nowhere has no id.
      expect(decodePlace(id)).toEqual(id === "" ? null : place);
    }),
  );
  const place = {
    og: placeAfter({ number: 42, hash: HASH }, 3),
    base: placeAfter(null),
    proofs: { revision: 7, within: { block: 41, logIndex: 0 } },
    nodes: null,
  };
  expect(encodePlace(place)).toBe("og42.9f8e7d6c5b4a3f2e.3~base~p7.41.0");
  expect(encodePlace(NOWHERE)).toBe("");
});

test("what is no id is none, whatever it is", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      const place = decodePlace(text);
      expect(place === null || encodePlace(place) === text).toBe(true);
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
    expect([id, decodePlace(id)]).toEqual([id, null]);
});

test("lines are named apart, verdicts with og's rows", () => {
  fc.assert(
    fc.property(anyPlace, (place) => {
      expect(encodeLine("og", place)).toBe(encodePlace({ ...place, base: null, nodes: null }));
      expect(encodeLine("base", place)).toBe(encodePlace({ ...NOWHERE, base: place.base }));
      expect(encodeLine("nodes", place)).toBe(encodePlace({ ...NOWHERE, nodes: place.nodes }));
      expect(LINES.reduce((known, line) => withLine(known, line, place), NOWHERE)).toEqual(place);
    }),
  );
});

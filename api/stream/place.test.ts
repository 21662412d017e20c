import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ChainPlace,
  decodePlace,
  encodePlace,
  isBeyond,
  NOWHERE,
  placeAfter,
  type StreamPlace,
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

test("the end of a block is beyond every event in it, and before the next one's", () => {
  const at = (block: number, logIndex: number | null) => ({ block, hash: "", logIndex });
  const known = (place: ChainPlace): StreamPlace => ({ ...NOWHERE, og: place });
  const isLater = (one: ChainPlace, other: ChainPlace) => isBeyond({ part: "og", at: one }, known(other));
  expect(isLater(at(5, null), at(5, 7))).toBe(true);
  expect(isLater(at(5, 7), at(5, null))).toBe(false);
  expect(isLater(at(5, null), at(5, null))).toBe(false);
  expect(isLater(at(6, 0), at(5, null))).toBe(true);
  expect(isLater(at(5, 8), at(5, 7))).toBe(true);
  expect(isLater(at(0, 0), placeAfter(null))).toBe(true);
  expect(isBeyond({ part: "base", at: at(1, 1) }, known(at(5, 1)))).toBe(true);

  const ofRevision = (revision: number, within: { block: number; logIndex: number } | null) =>
    ({ part: "proofs", at: { revision, within } }) as const;
  const told = { ...NOWHERE, proofs: { revision: 3, within: { block: 9, logIndex: 1 } } };
  expect(isBeyond(ofRevision(3, { block: 9, logIndex: 1 }), told)).toBe(false);
  expect(isBeyond(ofRevision(3, { block: 9, logIndex: 2 }), told)).toBe(true);
  expect(isBeyond(ofRevision(3, null), told)).toBe(true);
  expect(isBeyond(ofRevision(2, null), told)).toBe(false);
});

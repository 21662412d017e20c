import fc from "fast-check";
import { expect, test } from "vitest";
import { formatEventId, parseEventId } from "./eventId.ts";

const HASH = `0x${"5a".repeat(32)}`;
const MAX_INT4 = 2 ** 31 - 1;

test("an event has one id, whatever the letter case of its hash", () => {
  fc.assert(
    fc.property(fc.nat(MAX_INT4), fc.nat(MAX_INT4), (chainId, logIndex) => {
      const id = { chainId, txHash: HASH, logIndex };
      expect(parseEventId(formatEventId(id))).toEqual(id);
      expect(parseEventId(formatEventId(id).toUpperCase())).toEqual(id);
    }),
  );
});

test.each([
  `010740-${HASH}-0`,
  `10740-${HASH}-00`,
  `10740-${HASH}-2147483648`,
  `2147483648-${HASH}-0`,
  `10740-${HASH}--1`,
  `10740-${HASH}-1e3`,
  `10740-${HASH}-0 `,
  ` 10740-${HASH}-0`,
  `10740-${HASH}-0\n`,
  `10740-${HASH}-`,
  `10740-${HASH.slice(0, -1)}-0`,
  `10740-${HASH}-0-0`,
  "",
])("%j is no event id", (text) => {
  expect(parseEventId(text)).toBeNull();
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError } from "../../errors.ts";
import { decodeGlobalId, encodeGlobalId } from "./globalId.ts";

const ADDRESS = `0x${"5a".repeat(20)}`;
const HASH = `0x${"5b".repeat(32)}`;

const ids = fc.constantFrom(
  encodeGlobalId("TeeNode", ADDRESS, HASH, 1_800_000_000),
  encodeGlobalId("TeeNode", ADDRESS, HASH, null),
  encodeGlobalId("Settlement", `10740-${HASH}-3`),
  encodeGlobalId("Payer", ADDRESS),
);

test("an object has one id: other spellings of the same bytes are none", () => {
  fc.assert(
    fc.property(ids, fc.nat(), (id, place) => {
      const { typename, parts } = decodeGlobalId(id);
      expect(encodeGlobalId(typename, ...parts)).toBe(id);
      const middle = place % id.length;
      for (const other of [
        `${id}!`,
        `${id}=`,
        `${id}A`,
        ` ${id}`,
        `${id.slice(0, middle)}\n${id.slice(middle)}`,
        `${id.slice(0, middle)}!${id.slice(middle)}`,
        Buffer.from(id, "base64url")
          .toString("base64")
          .padEnd(id.length + 1, "="),
      ])
        expect(() => decodeGlobalId(other)).toThrow(ApiError);
    }),
  );
  const longest = encodeGlobalId(
    "N".repeat(41),
    "a".repeat(90),
    "b".repeat(90),
    "c".repeat(90),
    "d".repeat(90),
  );
  expect(decodeGlobalId(longest).parts).toHaveLength(4);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError } from "../../../errors.ts";
import { writeJson } from "./writeJson.ts";

const JSON_VALUES = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.object({ withNullPrototype: true, withDate: true, maxDepth: 2 }),
);

test("what is written is what JSON.stringify makes of it", () => {
  fc.assert(
    fc.property(JSON_VALUES, (value) => {
      expect(writeJson(value, Number.POSITIVE_INFINITY)).toBe(JSON.stringify(value));
    }),
  );
});

test("an answer may have exactly as many bytes as the limit says", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }), (value) => {
      const bytes = Buffer.byteLength(JSON.stringify(value));
      expect(writeJson(value, bytes)).toBe(JSON.stringify(value));
      expect(() => writeJson(value, bytes - 1)).toThrow(ApiError);
    }),
  );
});

test("nothing is read of what would lie beyond the limit", () => {
  let read = 0;
  const items = Array.from({ length: 100_000 }, () => ({
    get text() {
      read += 1;
      return "x".repeat(100);
    },
  }));
  expect(() => writeJson({ items }, 10_000)).toThrow(expect.objectContaining({ code: "answer-too-large" }));
  expect(read).toBeLessThan(110);
});

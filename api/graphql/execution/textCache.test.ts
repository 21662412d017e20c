import { expect, test } from "vitest";
import { TextCache } from "./textCache.ts";

test("keeps what was used last, within its characters", () => {
  const cache = new TextCache<string>(10, (_, value) => value.length);
  cache.set("a", "1234");
  cache.set("b", "1234");
  expect(cache.get("a")).toBe("1234");
  cache.set("c", "1234");
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual(["1234", undefined, "1234"]);
  cache.set("c", "12345678901");
  expect([cache.get("a"), cache.get("c")]).toEqual([undefined, undefined]);
  cache.set("d", "1");
  cache.set("d", "1234567890");
  expect(cache.get("d")).toBe("1234567890");
});

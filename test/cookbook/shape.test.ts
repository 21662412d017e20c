import { expect, test } from "vitest";
import { lastJson, linesMissing, unlike } from "./shape.ts";

test("what is shown must be there, of the same kind; what is not shown may be", () => {
  const real = { id: "0x12", count: 2, items: [{ a: 1 }, { a: null, b: "x" }], more: true };
  expect(unlike({ id: "0x…", count: 7 }, real)).toEqual([]);
  expect(unlike({ items: [{ b: "y" }] }, real)).toEqual([]);
  expect(unlike({ items: [{ a: 5 }], more: null }, real)).toEqual([]);
  expect(unlike({ nosuch: null }, real)).toEqual(["$.nosuch is missing"]);
  expect(unlike({ count: "2" }, real)).toEqual(["$.count is shown as string and is number"]);
  expect(unlike({ items: [{ c: 1 }] }, real)).toEqual(["$.items[0].c is missing"]);
  expect(unlike({ items: [{ a: 1 }] }, { items: [] })).toEqual(["$.items is shown with items and has none"]);
});

test("of several answers the last one counts", () => {
  expect(lastJson('{"a":{"b":1}}{"c":[{},{}]}\n')).toEqual({ c: [{}, {}] });
});

test("shown lines are printed ones with other numbers and hashes", () => {
  const printed = "first\n0x12ab is active, up 99.2 % for 3 h\n";
  expect(linesMissing("0x77… is active, up 1 % for 27 h", printed)).toEqual([]);
  expect(linesMissing("0x77… is …", printed)).toEqual([]);
  expect(linesMissing("0x77… is stale, up 1 % for 27 h\nfirst", printed)).toEqual([
    "0x77… is stale, up 1 % for 27 h",
  ]);
});

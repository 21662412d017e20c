import { createHash } from "node:crypto";
import { z } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { csvColumns, csvRows } from "./csv.ts";

const columns = csvColumns(z.strictObject({ text: z.string(), list: z.array(z.string()) }));

test("no cell is longer than a spreadsheet holds, and JSON stays JSON", () => {
  const list = Array.from({ length: 2_000 }, (_, index) => `0x${String(index).padStart(40, "0")}`);
  const row = csvRows(columns, [{ text: `=${"x".repeat(40_000)}`, list }]);
  const comma = row.indexOf(",");
  const [text, json] = [row.slice(0, comma), row.slice(comma + 1)];
  expect(text).toHaveLength(32_767);
  expect(text.slice(0, 2)).toBe("'=");
  expect(text.at(-1)).toBe("…");
  const told = JSON.parse(json.trim().slice(1, -1).replaceAll('""', '"'));
  const whole = JSON.stringify(list);
  expect(told).toEqual({
    characters: whole.length,
    sha256: `0x${createHash("sha256").update(whole).digest("hex")}`,
    begins: whole.slice(0, 1_000),
  });
});

test("what fits is left alone", () => {
  expect(csvRows(columns, [{ text: "a", list: ["b"] }])).toBe('a,"[""b""]"\n');
});

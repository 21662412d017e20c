import { expect, test } from "vitest";
import { historySizes } from "./shortened.ts";

test("the smaller history is a tenth of the larger one", () => {
  expect(historySizes({})).toEqual([
    { rows: 1_000_000, days: 30 },
    { rows: 10_000_000, days: 300 },
  ]);
  expect(historySizes({ BENCH_ROWS: "20000", BENCH_DAYS: "10" })).toEqual([
    { rows: 2_000, days: 1 },
    { rows: 20_000, days: 10 },
  ]);
});

test.each(["25", "0", "-10", "1e2", "ten", "", "10.5", "99999999999999999990"])(
  "days that cannot be shared are refused by name: %j",
  (days) => {
    expect(() => historySizes({ BENCH_DAYS: days })).toThrow(
      `BENCH_DAYS: "${days}" is not a whole multiple of 10`,
    );
    expect(() => historySizes({ BENCH_ROWS: days })).toThrow("BENCH_ROWS");
  },
);

import { expect, test } from "vitest";
import { isProbing } from "./probes.ts";

const HOUR = 3_600;

test("the prober is off after a day without a usable round", () => {
  expect(isProbing(null, 0)).toBe(false);
  expect(isProbing(0, 24 * HOUR)).toBe(true);
  expect(isProbing(0, 24 * HOUR + 1)).toBe(false);
});

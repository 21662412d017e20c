/** Every attack is stood up to, every control run fails, and docs/metrics.md says what was measured. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { constantsTable, PAGE, withPart } from "./page.ts";
import { ATTACKS, type Result, resultOf, tableOf } from "./table.ts";

const results: Result[] = [];

test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", (_name, attack) => {
  const result = resultOf(attack);
  results.push(result);
  expect(result.outcome).toMatchObject({ holds: true });
  expect(result.controls.length).toBeGreaterThan(0);
  for (const control of result.controls) expect(control).toMatchObject({ holds: false });
});

test("docs/metrics.md shows these outcomes and the constants in force (npm run simulation:table writes them)", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(withPart(page, "constants", constantsTable())).toBe(page);
  expect(results).toHaveLength(ATTACKS.length);
  expect(withPart(page, "simulator", tableOf(results))).toBe(page);
});

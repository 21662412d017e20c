/** Writes the constants and the outcome of every attack into docs/metrics.md: `npm run simulation:table`. */
import { readFileSync, writeFileSync } from "node:fs";
import { constantsTable, PAGE, withPart } from "./page.ts";
import { ATTACKS, resultOf, tableOf } from "./table.ts";

const results = ATTACKS.map((attack) => {
  const result = resultOf(attack);
  const failed = result.controls.filter(({ holds }) => holds).map(({ without }) => without);
  const verdict = result.outcome.holds && failed.length === 0 ? "holds" : "DOES NOT HOLD";
  console.log(`${verdict}: ${attack.name}: ${result.outcome.measured}`);
  for (const without of failed) console.log(`  its control run without ${without} holds too`);
  return result;
});
const page = withPart(readFileSync(PAGE, "utf8"), "constants", constantsTable());
writeFileSync(PAGE, withPart(page, "simulator", tableOf(results)));

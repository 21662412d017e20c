import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ENVIRONMENT_VARIABLES, type Environment, readEnvironment } from "./environment.ts";

const lines = readFileSync(new URL("../.env.example", import.meta.url), "utf8").split("\n");
const shown = new Map(
  lines.flatMap((line) => {
    const [, name, value] = /^# ([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  }),
);
/** Optional variables whose example is not a default. */
const EXAMPLES_ONLY: readonly (keyof Environment)[] = ["DATABASE_URL"];

test(".env.example documents every variable and no other", () => {
  expect([...shown.keys()].sort()).toEqual([...ENVIRONMENT_VARIABLES].sort());
});

test("the values it shows are the defaults", () => {
  const defaults = readEnvironment({});
  const written = readEnvironment(Object.fromEntries(shown));
  for (const name of ENVIRONMENT_VARIABLES)
    if (!EXAMPLES_ONLY.includes(name)) expect([name, written[name]]).toEqual([name, defaults[name]]);
});

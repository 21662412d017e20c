import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { servedOpenapi } from "../testing/openapi/servedOpenapi.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** The paths of the table; `…/b` stands for `/a/b` after `/a/c`. */
function pathsInTable(): string[] {
  const table = readme.slice(readme.indexOf("## What it serves"));
  return table
    .split("\n")
    .filter((line) => line.startsWith("| `/"))
    .flatMap((line) => {
      let last = "";
      return [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, path = ""]) => {
        last = path.startsWith("…") ? last.replace(/\/[^/]*$/, path.slice(1)) : path;
        return last;
      });
    });
}

test("the README's table has every path, and no other", async () => {
  const { paths } = JSON.parse(await servedOpenapi());
  expect(pathsInTable().toSorted()).toEqual(Object.keys(paths).toSorted());
});

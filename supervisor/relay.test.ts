import { expect, test } from "vitest";
import { createLog } from "../config/log.ts";
import { relay } from "./relay.ts";

const said = (line: string) => {
  const lines: string[] = [];
  relay(
    line,
    createLog({ LOG_LEVEL: "info", LOG_FORMAT: "pretty" }, "api", (text) => lines.push(text.slice(9))),
  );
  return lines;
};

test("says our records again under their part's name", () => {
  expect(said('{"level":"warn","part":"og","msg":"slow","blocks":3}')).toEqual([
    "WARN  og           slow blocks=3",
  ]);
});

test("understands pino's levels", () => {
  expect(said('{"level":50,"time":1,"pid":2,"hostname":"h","msg":"failed"}')).toEqual([
    "ERROR api          failed",
  ]);
  expect(said('{"level":20,"msg":"hidden"}')).toEqual([]);
});

test("passes other lines as they are", () => {
  expect(said("{not json")).toEqual(["INFO  api          {not json"]);
  expect(said("")).toEqual([]);
});

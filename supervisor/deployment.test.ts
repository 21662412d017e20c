import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ENVIRONMENT_VARIABLES, OPERATING_SETTINGS, readEnvironment } from "../config/environment.ts";
import { INDEXING_SETTINGS } from "../config/indexing.ts";
import { deploymentSchema } from "./deployment.ts";

let project: string;
const environment = readEnvironment({});
const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
  writeFileSync(path.join(project, file), text);
};

beforeEach(() => {
  project = mkdtempSync(path.join(os.tmpdir(), "opengradient-deployment-"));
  write("src/a.ts", "1");
  write("abis/b.ts", "2");
  write("config/indexing.ts", "5");
  write("config/log.ts", "6");
  write("ponder.config.ts", "3");
  write("ponder.schema.ts", "4");
  write("node_modules/ponder/package.json", '{"version":"0.17.7"}');
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

test("every setting is known to change what a chain's indexer writes, or not to", () => {
  const { og, base } = INDEXING_SETTINGS;
  const listed = [...Object.keys(og), ...Object.keys(base), ...OPERATING_SETTINGS];
  expect([...listed].sort()).toEqual([...ENVIRONMENT_VARIABLES].sort());
});

test("the same code and settings give the same schema, wherever the project lies", () => {
  const name = deploymentSchema(project, environment, "og");
  expect(name).toMatch(/^og_[0-9a-f]{10}$/);
  const copy = `${project}-copy`;
  cpSync(project, copy, { recursive: true });
  expect(deploymentSchema(copy, environment, "og")).toBe(name);
  rmSync(copy, { recursive: true });
});

test("code, Ponder's version and a chain's own settings give another; tests and operation do not", () => {
  const name = deploymentSchema(project, environment, "og");
  const changed = readEnvironment({ OG_START_BLOCK: "7" });
  expect(deploymentSchema(project, changed, "og")).not.toBe(name);
  expect(deploymentSchema(project, changed, "base")).toBe(deploymentSchema(project, environment, "base"));
  expect(deploymentSchema(project, readEnvironment({ API_PORT: "7", LOG_LEVEL: "debug" }), "og")).toBe(name);
  write("src/a.test.ts", "x");
  expect(deploymentSchema(project, environment, "og")).toBe(name);
  write("src/deep/c.ts", "x");
  const grown = deploymentSchema(project, environment, "og");
  expect(grown).not.toBe(name);
  write("node_modules/ponder/package.json", '{"version":"0.17.8"}');
  expect(deploymentSchema(project, environment, "og")).not.toBe(grown);
});

test("of config/, only the file that decides rows belongs to the schema's name", () => {
  const name = deploymentSchema(project, environment, "og");
  write("config/log.ts", "another format");
  expect(deploymentSchema(project, environment, "og")).toBe(name);
  write("config/indexing.ts", "another start block");
  expect(deploymentSchema(project, environment, "og")).not.toBe(name);
});

test("no operating setting changes the schema's name", () => {
  const { BASE_START_BLOCK, OG_START_BLOCK } = environment;
  const operated = readEnvironment({
    LOG_LEVEL: "debug",
    LOG_FORMAT: "json",
    OG_RPC_URL: "https://og.example",
    OG_WS_URL: "wss://og.example",
    VERIFIER_THREADS: "3",
    MAX_LAG_SECONDS: "7",
  });
  for (const chain of ["og", "base"] as const) {
    expect(deploymentSchema(project, operated, chain)).toBe(deploymentSchema(project, environment, chain));
    const later = { ...operated, OG_START_BLOCK: OG_START_BLOCK + 1, BASE_START_BLOCK: BASE_START_BLOCK + 1 };
    expect(deploymentSchema(project, later, chain)).not.toBe(deploymentSchema(project, environment, chain));
  }
});

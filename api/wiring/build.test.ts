import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildOf } from "./build.ts";

let project: string;
const write = (file: string, text: string) => {
  mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
  writeFileSync(path.join(project, file), text);
};
beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), "build-"));
  write("package.json", "{}");
  write("api/queries/nodes.ts", "1");
});
afterEach(() => rmSync(project, { recursive: true }));

test("a build changes with what answers are made by, and with nothing else", () => {
  const before = buildOf(project);
  write("api/queries/nodes.test.ts", "a test");
  write("devnet/main.ts", "not in an answer");
  write("src/Heartbeats.ts", "in the rows, not in an answer");
  expect(buildOf(project)).toBe(before);
  write("proofs/merkle.ts", "");
  const withProofs = buildOf(project);
  expect(withProofs).not.toBe(before);
  write("api/queries/nodes.ts", "2");
  const withNodes = buildOf(project);
  expect(withNodes).not.toBe(withProofs);
  write("src/decode/endpoint.ts", "");
  expect(buildOf(project)).not.toBe(withNodes);
});

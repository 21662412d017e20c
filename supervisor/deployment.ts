/**
 * Names the Postgres schema of a deployment: one build of one chain's indexer. The same code and settings give the same name,
 * so a restart resumes; any change gives a new name, which is indexed beside the old one until it has caught up.
 */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ChainName } from "../config/environment.ts";
import { INDEXING_SETTINGS, type IndexingSettings } from "../config/indexing.ts";

const HASHED_FILES = [
  "src/**/*.ts",
  "abis/**/*.ts",
  "config/indexing.ts",
  "ponder.schema.ts",
  "ponder.config.ts",
];
const DIGEST_LENGTH = 10;

/** @param project - the directory with `src`, `abis`, the Ponder files and `node_modules`. */
export function deploymentSchema(project: string, settings: IndexingSettings, chain: ChainName): string {
  const hash = createHash("sha256");
  const add = (name: string, content: string) => hash.update(`${name}\0${content.length}\0${content}\0`);
  const files = globSync(HASHED_FILES, { cwd: project })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => file.split(path.sep).join("/"))
    .sort();
  for (const file of files) add(file, readFileSync(path.join(project, file), "utf8"));
  const { version } = JSON.parse(
    readFileSync(path.join(project, "node_modules", "ponder", "package.json"), "utf8"),
  ) as { version: string }; // npm requires it
  add("ponder", version);
  for (const name of Object.keys(INDEXING_SETTINGS[chain])) {
    // The keys of a chain's settings are variables of the environment.
    const value = settings[name as keyof IndexingSettings];
    add(name, JSON.stringify(value));
  }
  return `${chain}_${hash.digest("hex").slice(0, DIGEST_LENGTH)}`;
}

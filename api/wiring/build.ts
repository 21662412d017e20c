/** Identifies the software, because another build may answer the same request differently under the same version. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

/** Everything that affects answers. package.json pins the dependencies. */
const SOURCES = ["package.json", "{abis,api,config,db,proofs,src/decode}/**/*.ts"];

/** The version, for people. */
export function versionOf(project: string): string {
  const { version } = JSON.parse(readFileSync(path.join(project, "package.json"), "utf8")) as {
    version: string; // npm requires it
  };
  return version;
}

/** A digest of the source files, the same on every machine with the same files. */
export function buildOf(project: string): string {
  const digest = createHash("sha256");
  const files = globSync(SOURCES, { cwd: project }).map((file) => file.split(path.sep).join("/"));
  for (const file of files.filter((name) => !name.endsWith(".test.ts")).sort())
    digest
      .update(`${file}\0`)
      .update(readFileSync(path.join(project, file)))
      .update("\0");
  return digest.digest("hex").slice(0, 16);
}

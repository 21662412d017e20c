/** Which software this is: other software may give other bytes for the same question, whatever its version says. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

/** Everything that answers are made by. Dependencies' versions are in package.json. */
const SOURCES = ["package.json", "{abis,api,config,db,proofs,src/decode}/**/*.ts"];

/** Its version, for people. */
export function versionOf(project: string): string {
  const { version } = JSON.parse(readFileSync(path.join(project, "package.json"), "utf8")) as {
    version: string; // npm requires it
  };
  return version;
}

/** Digest of the sources below the project's folder, the same on every machine that has the same ones. */
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

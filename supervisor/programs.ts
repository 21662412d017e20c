/** The programs that the supervisor starts, and how they are tuned. */
import path from "node:path";

export const PROJECT = path.resolve(import.meta.dirname, "..");

const installed = (...parts: string[]) => path.join(PROJECT, "node_modules", ...parts);

/** Node 22 from npm: the system's Node may be too old for Ponder. */
export const NODE = installed("node", "bin", process.platform === "win32" ? "node.exe" : "node");
export const PONDER = installed("ponder", "dist", "esm", "bin", "ponder.js");

/**
 * Tuning of Ponder's process. A backfill allocates millions of short-lived objects; with Node's default young generation they
 * are promoted too early, which costs a fifth of the speed. The cache limit drops rows that no handler reads again: they would
 * only take half the memory and slow down garbage collection.
 */
export const PONDER_NODE_FLAGS = ["--min-semi-space-size=128", "--max-semi-space-size=128"];
export const PONDER_VARIABLES = {
  PONDER_CACHE_BYTES: String(100_000_000),
  PONDER_TELEMETRY_DISABLED: "true",
};

const preload = (file: string) => ["--import", new URL(file, import.meta.url).href];

/** Arguments that make Node exit with its parent, and report to the parent that it is alive. */
export const SUPERVISED = [...preload("exitWithParent.mjs"), ...preload("reportAlive.mjs")];

/** Arguments that make Node run a TypeScript file of the project. */
export const typeScript = (file: string): string[] => ["--import", "tsx", path.join(PROJECT, file)];

/** Where the programs are that the supervisor starts. */
import path from "node:path";

export const PROJECT = path.resolve(import.meta.dirname, "..");

const installed = (...parts: string[]) => path.join(PROJECT, "node_modules", ...parts);

/** Node 22 from the packages: the system's may be older than Ponder wants. */
export const NODE = installed("node", "bin", process.platform === "win32" ? "node.exe" : "node");
export const PONDER = installed("ponder", "dist", "esm", "bin", "ponder.js");

/**
 * How Ponder's process is tuned. Backfill makes short-lived objects by the million: in Node's small young generation they are
 * collected too early, a fifth slower. Rows that no handler reads again are dropped from its cache beyond so many bytes:
 * they would only be garbage to look through, and half the memory.
 */
export const PONDER_NODE_FLAGS = ["--min-semi-space-size=128", "--max-semi-space-size=128"];
export const PONDER_VARIABLES = {
  PONDER_CACHE_BYTES: String(100_000_000),
  PONDER_TELEMETRY_DISABLED: "true",
};

const preload = (file: string) => ["--import", new URL(file, import.meta.url).href];

/** Arguments that make Node end when its parent does, and tell the parent that it works until then. */
export const SUPERVISED = [...preload("exitWithParent.mjs"), ...preload("reportAlive.mjs")];

/** Arguments that make Node run one of our TypeScript files. */
export const typeScript = (file: string): string[] => ["--import", "tsx", path.join(PROJECT, file)];

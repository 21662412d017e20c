// Loaded into every child with --import. The parent replaces a child whose event loop no longer turns.
import { isMainThread } from "node:worker_threads";

const EVERY_MS = 1_000;

// worker threads inherit --import, and have no channel
if (isMainThread && process.send !== undefined)
  setInterval(() => {
    if (process.connected) process.send({ kind: "alive" }, undefined, undefined, () => {});
  }, EVERY_MS).unref();

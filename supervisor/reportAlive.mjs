// Loaded into every child with --import: reports to the parent that the event loop is not blocked.
import { isMainThread } from "node:worker_threads";

const EVERY_MS = 1_000;

// worker threads inherit --import but have no channel
if (isMainThread && process.send !== undefined)
  setInterval(() => {
    if (process.connected) process.send({ kind: "alive" }, undefined, undefined, () => {});
  }, EVERY_MS).unref();

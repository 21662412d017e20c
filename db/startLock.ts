/** A file lock between processes that start a server in the same directory. */
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "./sqlState.ts";

/** A killed holder leaves its file behind; no start takes this long. */
const STALE_AFTER_MS = 120_000;

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM"; // alive, but another user's
  }
};

function isStale(file: string): boolean {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    const ageMs = Date.now() - statSync(file).mtimeMs;
    // an empty file is one being written
    return ageMs > STALE_AFTER_MS || (pid > 0 && pid !== process.pid && !isAlive(pid));
  } catch {
    return false; // deleted meanwhile: the next attempt decides
  }
}

/** Runs `work` while no other process that uses the same `file` does. */
export async function withStartLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      if (isStale(file)) rmSync(file, { force: true });
      else await sleep(100);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Finding the processes of a running system, to kill them as a machine would. Linux only, like the tests that use it. */
import { readdirSync, readFileSync } from "node:fs";
import type { ChainName } from "../../config/environment.ts";

const read = (pid: string, file: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    return []; // gone meanwhile
  }
};

/** The process ids of Ponder for one chain of the system that uses this database; none while it is being restarted. */
export function ponderPids(databaseUrl: string, chain: ChainName): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const environment = read(pid, "environ");
      return (
        read(pid, "cmdline").some((argument) => argument.endsWith("ponder.js")) &&
        environment.includes(`DATABASE_URL=${databaseUrl}`) &&
        environment.includes(`OPENGRADIENT_CHAIN=${chain}`)
      );
    })
    .map(Number);
}

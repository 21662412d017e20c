/** Finds the processes of a running system, so that tests can kill them. Linux only, like the tests that use it. */
import { readdirSync, readFileSync } from "node:fs";
import type { ChainName } from "../../config/environment.ts";

const read = (pid: string, file: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
  } catch {
    return []; // it has ended meanwhile
  }
};

const pids = (wanted: (pid: string) => boolean): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter(wanted)
    .map(Number);

/** The process ids of the verifiers that use this database; none while one is being restarted. */
export const verifierPids = (databaseUrl: string): number[] =>
  pids(
    (pid) =>
      read(pid, "cmdline").some((argument) => argument.endsWith("workers/verifier/main.ts")) &&
      read(pid, "environ").includes(`DATABASE_URL=${databaseUrl}`),
  );

/** The process ids of Ponder for one chain of the system that uses this database; none while it is being restarted. */
export const ponderPids = (databaseUrl: string, chain: ChainName): number[] =>
  pids((pid) => {
    const environment = read(pid, "environ");
    return (
      read(pid, "cmdline").some((argument) => argument.endsWith("ponder.js")) &&
      environment.includes(`DATABASE_URL=${databaseUrl}`) &&
      environment.includes(`OPENGRADIENT_CHAIN=${chain}`)
    );
  });

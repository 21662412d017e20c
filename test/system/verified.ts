/** Waits until the system has indexed a chain to its end and verified everything on it. */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { isFinished, type Unfinished, unfinished } from "../../workers/verifier/testing/verifierTables.ts";
import { getStatus, type RunningSystem } from "./system.ts";

export interface StandingChain {
  /** Number of its last block. */
  readonly head: number;
  /** The current registry, in any letter case. */
  readonly registry: string;
}

/** @throws with what is left to do and the system's last output after `withinMs`. */
export async function everythingVerified(
  system: RunningSystem,
  pool: pg.Pool,
  { head, registry }: StandingChain,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  let left: Unfinished | string = "not indexed yet";
  while (Date.now() < deadline) {
    const status = await getStatus(system).catch(() => null);
    if (status?.chains.og.block?.number === head && status.chains.og.ready) {
      left = await unfinished(pool, registry.toLowerCase());
      if (isFinished(left)) return;
    }
    await sleep(300);
  }
  throw new Error(`not finished: ${JSON.stringify(left)}\n${system.output().slice(-3000)}`);
}

/** Waiting until the system has verified everything of the recorded chain. */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { isFinished, type Unfinished, unfinished } from "../../workers/verifier/testing/verifierTables.ts";
import { getStatus, type RunningSystem } from "../system/system.ts";
import { ogTruth, recordingMeta } from "./recording.ts";

/** @throws with what is left and the system's last output when `withinMs` is over. */
export async function everythingVerified(
  system: RunningSystem,
  pool: pg.Pool,
  withinMs: number,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  const registry = recordingMeta().og.contracts.registry.toLowerCase();
  let left: Unfinished | string = "not indexed yet";
  while (Date.now() < deadline) {
    const status = await getStatus(system).catch(() => null);
    if (status?.chains.og.block?.number === ogTruth().head && status.chains.og.ready) {
      left = await unfinished(pool, registry);
      if (isFinished(left)) return;
    }
    await sleep(300);
  }
  throw new Error(`not finished: ${JSON.stringify(left)}\n${system.output().slice(-3000)}`);
}

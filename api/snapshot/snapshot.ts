/** Everything that selections at one state are made from. Never changed once it is there. */

import type { PcrApproval } from "../queries/evidence/evidenceChanges.ts";
import type { AsOf } from "../queries/state/asOf.ts";
import type { Evidence } from "../queries/state/position.ts";
import type { Listing } from "./listing.ts";
import type { RegistryScores } from "./registryScores.ts";

export interface RegistrySnapshot {
  readonly scores: RegistryScores;
  /** By node. */
  readonly listings: ReadonlyMap<string, Listing>;
  /** The newest approval first. */
  readonly pcrApprovals: readonly PcrApproval[];
}

export interface Snapshot {
  readonly asOf: AsOf;
  /** Unix seconds. */
  readonly now: number;
  /** Of the observations. */
  readonly revision: number;
  /** The configured registries. */
  readonly registries: ReadonlyMap<string, RegistrySnapshot>;
}

/** Names a state: the newest block with an event, the second it is judged at, the observations. */
export const stateKey = (evidence: Evidence | null, now: number, revision: number): string =>
  `${evidence?.blockNumber ?? -1} ${evidence?.blockHash ?? ""} ${now} ${revision}`;

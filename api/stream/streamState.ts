/** The state of both chains and the verifier that one transaction sees. */
import type { ChainName } from "../../config/environment.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import {
  type ChainIds,
  type Position,
  type PositionWatcher,
  readProgress,
} from "../queries/state/position.ts";
import { type ProofTables, readProofTables } from "../queries/state/proofTables.ts";
import { offsetAfter, type StreamPosition } from "./streamPosition.ts";

export interface StreamState {
  /** Null while a chain is not ready. */
  readonly chains: Readonly<Record<ChainName, Position | null>>;
  readonly proofs: ProofTables;
}

export async function readStreamState(
  transaction: ReadTransaction,
  watcher: PositionWatcher,
  chainIds: ChainIds,
): Promise<StreamState> {
  const progress = await readProgress(transaction, chainIds);
  const chains = { og: watcher.admit("og", progress.og), base: watcher.admit("base", progress.base) };
  return { chains, proofs: await readProofTables(transaction, chainIds.og) };
}

/** The position of a subscriber that has received everything in this state. Nodes are not part of it. */
export function positionOf({ chains: { og, base }, proofs: { revision } }: StreamState): StreamPosition {
  const chainOffset = (position: Position | null) =>
    position === null ? null : offsetAfter(blockOf(position.evidence));
  return {
    og: chainOffset(og),
    base: chainOffset(base),
    proofs: revision === null || og === null ? null : { revision, within: null },
    nodes: null,
  };
}

const blockOf = (evidence: Position["evidence"]) =>
  evidence === null ? null : { number: evidence.blockNumber, hash: evidence.blockHash };

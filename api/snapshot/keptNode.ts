/** One node as a process keeps it between blocks: what the chain said of it, its older days folded. Never changed, only replaced. */
import type { NodeEvidence } from "../queries/evidence/evidenceNodes.ts";
import type { FoldedHistory, NodeHistory, Spell } from "../scoring/index.ts";
import type { CarriedNode } from "./excuses.ts";

export interface KeptNode {
  readonly evidence: NodeEvidence;
  /** What was left out of `evidence.gaps`; null while these are complete. */
  readonly folded: FoldedHistory | null;
  readonly carried: CarriedNode;
}

export const keep = (evidence: NodeEvidence, folded: FoldedHistory | null): KeptNode => ({
  evidence,
  folded,
  carried: { nodeId: evidence.teeId, operator: evidence.registered.owner },
});

/** A node as scoring takes it: keys inherit by what was registered. */
export function historyOf({ evidence, folded }: KeptNode, excused: readonly Spell[]): NodeHistory {
  const { teeId, registered, registeredAt, registeredBlock, registeredLogIndex, disabled } = evidence;
  const { gaps, superseded, lastSignedAt, lastMaxAgeSeconds } = evidence;
  return {
    nodeId: teeId,
    owner: registered.owner,
    host: registered.host,
    port: registered.port,
    paymentAddress: registered.paymentAddress,
    registeredAt,
    position: { block: registeredBlock, logIndex: registeredLogIndex },
    gaps,
    superseded,
    lastSignedAt,
    lastMaxAgeSeconds,
    disabled,
    excused,
    probes: [],
    folded,
  };
}

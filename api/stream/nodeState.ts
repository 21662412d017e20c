/** A node as the stream tells of it, and when there is something new to tell. */

import type { NodeStatus } from "../queries/nodes/nodeState.ts";
import type { Node } from "../queries/nodes/nodes.ts";
import type { PublishedScore, ScoredNode } from "../snapshot/registryScores.ts";
import type { RegistrySnapshot, Snapshot } from "../snapshot/snapshot.ts";

/** What a listing holds: the members that heartbeats do not change. */
type Listed = Omit<Node, "status" | "enabled" | "lastHeartbeatAt" | "lastSignedAt" | "score" | "metrics">;

type KeyMember = `${"publicKey" | "tlsCertificate"}${"" | "Bytes" | "Sha256"}`;

/** The members that `/v1/nodes` shows, but for metrics. */
export type NodeState = Omit<Listed, KeyMember> &
  Pick<Node, "enabled" | "lastHeartbeatAt" | "lastSignedAt"> & {
    /** Null when the registry does not list the node any more: a reorg took its registration back. */
    readonly status: NodeStatus | null;
    readonly score: PublishedScore | null;
  };

/** Scores are told when they change by so much: nobody's choice turns on less. */
const SCORE_STEPS_PER_POINT = 10;

const stepOf = (score: number): number => Math.round(score * SCORE_STEPS_PER_POINT);

/** What a listener compares by: while it is the same, a node is not told of again. */
function isToldAlike(one: ScoredNode, oneJson: string, other: ScoredNode, otherJson: string): boolean {
  return (
    one.status === other.status &&
    stepOf(one.score) === stepOf(other.score) &&
    one.gates.length === other.gates.length &&
    one.gates.every(({ reason }, index) => reason === other.gates[index]?.reason) &&
    oneJson === otherJson
  );
}

const jsonOf = ({ listings }: RegistrySnapshot, { evidence }: ScoredNode): string =>
  listings.get(evidence.teeId)?.json ?? "";

function stateOf(snapshot: RegistrySnapshot, node: ScoredNode): NodeState {
  const { evidence, status } = node;
  const { lastHeartbeatAt, lastSignedAt, standing } = evidence;
  // A listing is the beginning of the node's JSON, written by us.
  const listed: Listed = JSON.parse(`${jsonOf(snapshot, node)}}`);
  const {
    publicKey: _,
    publicKeyBytes: _1,
    publicKeySha256: _2,
    tlsCertificate: _3,
    tlsCertificateBytes: _4,
    tlsCertificateSha256: _5,
    recordSource,
    registeredAt,
    ...record
  } = listed;
  return {
    ...record,
    status,
    enabled: standing === "enabled",
    registeredAt,
    lastHeartbeatAt,
    lastSignedAt,
    recordSource,
    score: snapshot.scores.publish(node),
  };
}

/** Every node of the snapshot, in a fixed order. */
export function* nodeStates({ registries }: Snapshot): Generator<NodeState> {
  for (const [, snapshot] of registries)
    for (const node of snapshot.scores.nodes) yield stateOf(snapshot, node);
}

/** The nodes of which the later snapshot tells something new, in a fixed order. */
export function* nodeChanges(earlier: Snapshot, later: Snapshot): Generator<NodeState> {
  for (const [registry, snapshot] of later.registries) {
    const before = earlier.registries.get(registry);
    for (const node of snapshot.scores.nodes) {
      const known = before?.scores.find(node.evidence.teeId);
      if (before === undefined || known == null) yield stateOf(snapshot, node);
      else if (!isToldAlike(known, jsonOf(before, known), node, jsonOf(snapshot, node)))
        yield stateOf(snapshot, node);
    }
    for (const node of before?.scores.nodes ?? [])
      if (before !== undefined && snapshot.scores.find(node.evidence.teeId) === null)
        yield { ...stateOf(before, node), status: null, enabled: false, score: null };
  }
}

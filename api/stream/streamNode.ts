/** A node as the stream delivers it, and which changes of a node are events. */

import type { NodeStatus } from "../queries/nodes/nodeState.ts";
import type { Node } from "../queries/nodes/nodes.ts";
import type { PublishedScore, ScoredNode } from "../snapshot/registryScores.ts";
import type { RegistrySnapshot, Snapshot } from "../snapshot/snapshot.ts";

/** The members of a listing: those that heartbeats do not change. */
type Listed = Omit<Node, "status" | "enabled" | "lastHeartbeatAt" | "lastSignedAt" | "score" | "metrics">;

type KeyMember = `${"publicKey" | "tlsCertificate"}${"" | "Bytes" | "Sha256"}`;

/** The members of a node in `/v1/nodes`, except keys and metrics. */
export type StreamNode = Omit<Listed, KeyMember> &
  Pick<Node, "enabled" | "lastHeartbeatAt" | "lastSignedAt"> & {
    /** Null when a reorg took the registration back: the registry does not list the node any more. */
    readonly status: NodeStatus | null;
    readonly score: PublishedScore | null;
  };

/** A score change below a tenth of a point is no event: nobody's choice turns on less. */
const SCORE_STEPS_PER_POINT = 10;

const stepOf = (score: number): number => Math.round(score * SCORE_STEPS_PER_POINT);

/** Whether two states of a node are equal in everything that subscribers compare by. */
function isUnchanged(one: ScoredNode, oneJson: string, other: ScoredNode, otherJson: string): boolean {
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

function toStreamNode(snapshot: RegistrySnapshot, node: ScoredNode): StreamNode {
  const { evidence, status } = node;
  const { lastHeartbeatAt, lastSignedAt, standing } = evidence;
  // A listing is the beginning of the node's JSON as we wrote it, without the closing brace.
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
export function* nodesOf({ registries }: Snapshot): Generator<StreamNode> {
  for (const [, snapshot] of registries)
    for (const node of snapshot.scores.nodes) yield toStreamNode(snapshot, node);
}

/** The nodes that changed between two snapshots, in a fixed order. */
export function* changedNodes(earlier: Snapshot, later: Snapshot): Generator<StreamNode> {
  for (const [registry, snapshot] of later.registries) {
    const before = earlier.registries.get(registry);
    for (const node of snapshot.scores.nodes) {
      const known = before?.scores.find(node.evidence.teeId);
      if (before === undefined || known == null) yield toStreamNode(snapshot, node);
      else if (!isUnchanged(known, jsonOf(before, known), node, jsonOf(snapshot, node)))
        yield toStreamNode(snapshot, node);
    }
    for (const node of before?.scores.nodes ?? [])
      if (before !== undefined && snapshot.scores.find(node.evidence.teeId) === null)
        yield { ...toStreamNode(before, node), status: null, enabled: false, score: null };
  }
}

/** Nodes with their scores, and nodes in order of their scores, at the moment of an answer. */
import type { ReadTransaction } from "../queries/database.ts";
import type { Moment } from "../queries/moment.ts";
import { findNodes, type Node, type NodeDetail, type NodeKey, type NodeQuery } from "../queries/nodes.ts";
import { type Key, type Page, type PageRequest, toPage } from "../queries/page.ts";
import type { PublishedScore, RegistryScores, ScoredNode } from "./registryScores.ts";
import type { Snapshots } from "./snapshots.ts";

export type NodeWithScore<N extends Node = Node> = Omit<N, "score"> & {
  readonly score: PublishedScore | null;
};

/** The nodes as they are, each with its score. */
export async function withScores<N extends Node>(
  snapshots: Snapshots,
  transaction: ReadTransaction,
  moment: Moment,
  nodes: readonly N[],
): Promise<readonly NodeWithScore<N>[]> {
  const byRegistry = new Map<string, RegistryScores>();
  for (const { registry } of nodes)
    if (!byRegistry.has(registry))
      byRegistry.set(registry, await snapshots.scoresAt(transaction, moment, registry));
  return nodes.map((node) => {
    const scores = byRegistry.get(node.registry);
    const scored = scores?.find(node.teeId);
    return { ...node, score: scores === undefined || scored == null ? null : scores.publish(scored) };
  });
}

/**
 * One page of nodes, the highest score first; equal ones by registration, newest first. The order is that of the moment,
 * however scores have moved since.
 * @param registries - of the query, or all that are configured.
 */
export async function listNodesByScore(
  snapshots: Snapshots,
  transaction: ReadTransaction,
  moment: Moment,
  registries: readonly string[],
  query: NodeQuery,
  request: PageRequest,
  detail: NodeDetail,
): Promise<Page<Node>> {
  const ranked: ScoredNode[] = [];
  for (const registry of registries)
    ranked.push(...(await snapshots.scoresAt(transaction, moment, registry)).nodes);
  const page = pageOf(
    ranked.filter((node) => matches(node, query)),
    request,
  );
  return { ...page, items: await findNodes(transaction, moment, page.items, detail) };
}

function matches({ evidence, status }: ScoredNode, query: NodeQuery): boolean {
  const { owner, paymentAddress } = evidence.current;
  return (
    (query.teeType === undefined || evidence.teeType === query.teeType) &&
    (query.status === undefined || status === query.status) &&
    (query.owner === undefined || owner === query.owner) &&
    (query.paymentAddress === undefined || paymentAddress === query.paymentAddress) &&
    (query.pcrHash === undefined || evidence.pcrHash === query.pcrHash)
  );
}

const keyOf = ({ score, evidence }: ScoredNode): Key => [
  score,
  evidence.registeredBlock,
  evidence.registeredLogIndex,
];

/** Downwards by each part; keys of one list have as many parts. */
function compare(one: Key, other: Key): number {
  for (const [index, value] of one.entries()) {
    const difference = Number(other[index]) - Number(value);
    if (difference !== 0) return difference;
  }
  return 0;
}

function pageOf(nodes: readonly ScoredNode[], request: PageRequest): Page<NodeKey> {
  const { after, limit, direction } = request;
  const way = direction === "backward" ? -1 : 1;
  const rows = nodes
    .map((node) => ({ node, key: keyOf(node) }))
    .filter(({ key }) => after === null || way * compare(after, key) < 0)
    .sort((one, other) => way * compare(one.key, other.key));
  return toPage(
    rows.slice(0, limit + 1),
    request,
    ({ key }) => key,
    ({ node }): NodeKey => ({ registry: node.registry, teeId: node.evidence.teeId }),
  );
}

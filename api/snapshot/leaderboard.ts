/** Nodes with their scores, and nodes in order of their scores, at the moment of an answer. */

import {
  findNodes,
  type Node,
  type NodeDetail,
  type NodeKey,
  type NodeQuery,
} from "../queries/nodes/nodes.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import { type Key, type Page, type PageRequest, toPage } from "../queries/reading/page.ts";
import type { Moment } from "../queries/state/moment.ts";
import type { PublishedScore, RegistryScores, ScoredNode } from "./registryScores.ts";
import type { Snapshots } from "./snapshots.ts";

export type NodeWithScore<N extends Node = Node> = N & { readonly score: PublishedScore | null };

/** Where scores of a moment come from. */
export interface ScoreSource {
  readonly snapshots: Snapshots;
  readonly transaction: ReadTransaction;
  readonly moment: Moment;
}

/** The score of each node; null for nodes that were not registered then. */
export async function scoresOf(
  { snapshots, transaction, moment }: ScoreSource,
  nodes: readonly NodeKey[],
): Promise<readonly (PublishedScore | null)[]> {
  const byRegistry = new Map<string, RegistryScores>();
  for (const { registry } of nodes)
    if (!byRegistry.has(registry))
      byRegistry.set(registry, await snapshots.scoresAt(transaction, moment, registry));
  return nodes.map(({ registry, teeId }) => {
    const scores = byRegistry.get(registry);
    const scored = scores?.find(teeId) ?? null;
    return scores === undefined || scored === null ? null : scores.publish(scored);
  });
}

/** The nodes as they are, each with its score. */
export async function withScores<N extends Node>(
  source: ScoreSource,
  nodes: readonly N[],
): Promise<readonly NodeWithScore<N>[]> {
  const scores = await scoresOf(source, nodes);
  return nodes.map((node, index) => ({ ...node, score: scores[index] ?? null }));
}

/** Which nodes, also by what they score. */
export interface ScoredNodeQuery extends Omit<NodeQuery, "among"> {
  /** 0 to 100. */
  readonly minScore?: number | undefined;
  readonly maxScore?: number | undefined;
}

/**
 * The nodes that a query means, the highest score first; equal ones by registration, newest first. The order is that of the
 * moment, however scores have moved since.
 * @param registries - all that are configured.
 */
export async function rankNodes(
  { snapshots, transaction, moment }: ScoreSource,
  registries: readonly string[],
  query: ScoredNodeQuery,
): Promise<readonly ScoredNode[]> {
  const ranked: ScoredNode[] = [];
  for (const registry of query.registries ?? registries)
    ranked.push(...(await snapshots.scoresAt(transaction, moment, registry)).nodes);
  return ranked
    .filter((node) => matches(node, query))
    .map((node) => ({ node, key: keyOf(node) }))
    .sort((one, other) => compare(one.key, other.key))
    .map(({ node }) => node);
}

/** One page of ranked nodes. */
export async function pageOfRanked(
  { transaction, moment }: ScoreSource,
  ranked: readonly ScoredNode[],
  request: PageRequest,
  detail: NodeDetail,
): Promise<Page<Node>> {
  const page = pageOf(ranked, request);
  return { ...page, items: await findNodes(transaction, moment, page.items, detail) };
}

function matches({ evidence, status, score }: ScoredNode, query: ScoredNodeQuery): boolean {
  const { owner, paymentAddress } = evidence.current;
  return (
    (query.teeType === undefined || evidence.teeType === query.teeType) &&
    (query.status === undefined || status === query.status) &&
    (query.owner === undefined || owner === query.owner) &&
    (query.paymentAddress === undefined || paymentAddress === query.paymentAddress) &&
    (query.pcrHash === undefined || evidence.pcrHash === query.pcrHash) &&
    (query.minScore === undefined || score >= query.minScore) &&
    (query.maxScore === undefined || score <= query.maxScore)
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

function pageOf(ranked: readonly ScoredNode[], request: PageRequest): Page<NodeKey> {
  const { after, limit, direction } = request;
  const rows = ranked.map((node) => ({ node, key: keyOf(node) }));
  // A backward page takes the nearest first.
  const near = direction === "backward" ? rows.reverse() : rows;
  const way = direction === "backward" ? -1 : 1;
  const beyond = near.filter(({ key }) => after === null || way * compare(after, key) < 0);
  return toPage(
    beyond.slice(0, limit + 1),
    request,
    ({ key }) => key,
    ({ node }): NodeKey => ({ registry: node.registry, teeId: node.evidence.teeId }),
  );
}

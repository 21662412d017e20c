/**
 * What nodes inherited, and their older days folded: the parts of scoring that are final after some days and need not be
 * done again at every block. Done again from the beginning, they give the same bytes.
 */
import {
  foldHistory,
  type Inherited,
  inheritRecords,
  type NodeRecord,
  observedClock,
  type Spell,
  settledBefore,
} from "../scoring/index.ts";
import type { Families } from "./families.ts";
import { historyOf, type KeptNode, keep } from "./keptNode.ts";
import type { Pause } from "./pause.ts";

type Nodes = ReadonlyMap<string, KeptNode>;

/** What is known besides the nodes themselves. */
export interface RecordContext {
  readonly families: Families;
  readonly excusedOf: (teeId: string) => readonly Spell[];
  /** The same as it was known at an earlier moment. */
  readonly excusedAsOf: (teeId: string, at: number) => readonly Spell[];
  readonly now: number;
  /** The longest `heartbeatMaxAge` there was. */
  readonly maxAgeSeconds: number;
  /** Payment addresses that anyone may name. */
  readonly commonPayees: readonly string[];
}

export interface Records {
  readonly inherited: Inherited;
  /** Nodes whose inheritance later heartbeats may still change. */
  readonly unsettled: ReadonlySet<string>;
  /** What is folded is folded up to here. */
  readonly foldedBefore: number;
}

export const NO_RECORDS: Records = {
  inherited: new Map(),
  unsettled: new Set(),
  foldedBefore: Number.NEGATIVE_INFINITY,
};

/** Relatives of nodes whose inheritance is not settled, these included: their rows must be complete before `inherit`. */
export const relativesOf = (families: Families, unsettled: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(
    unsettled.size === 0 ? [] : families.filter((family) => family.some((id) => unsettled.has(id))).flat(),
  );

/**
 * Finds what the nodes that are new or unsettled inherited, by what is known now.
 * @param known - as of the moment before.
 */
export async function inherit(
  nodes: Nodes,
  known: Records,
  { families, excusedOf, excusedAsOf, now, maxAgeSeconds, commonPayees }: RecordContext,
  pause: Pause,
): Promise<Records> {
  const isPending = (teeId: string) => !known.inherited.has(teeId) || known.unsettled.has(teeId);
  const pending = new Set([...nodes.keys()].filter(isPending));
  if (pending.size === 0) return known;
  const before = settledBefore(now, maxAgeSeconds);
  const inherited = new Map(known.inherited);
  const unsettled = new Set<string>();
  for (const family of families) {
    if (!family.some((teeId) => pending.has(teeId))) continue;
    const histories = family
      .map((teeId) => nodes.get(teeId))
      .filter((node) => node !== undefined)
      .map((node) => historyOf(node, excusedOf(node.evidence.teeId)));
    const settled = new Map<string, NodeRecord | null>();
    for (const teeId of family) {
      const record = inherited.get(teeId);
      if (record !== undefined && !pending.has(teeId)) settled.set(teeId, record);
    }
    const found = inheritRecords(histories, { commonPayees, now, excusedAsOf }, settled);
    for (const { nodeId, registeredAt } of histories) {
      if (!pending.has(nodeId)) continue;
      inherited.set(nodeId, found.get(nodeId) ?? null);
      if (registeredAt >= before) unsettled.add(nodeId);
    }
    await pause(family.length);
  }
  return { ...known, inherited, unsettled };
}

/** Folds the older days of every node that no unsettled one needs whole. @returns the nodes that changed. */
export async function fold(
  nodes: Nodes,
  { unsettled, foldedBefore }: Records,
  { families, excusedOf, now, maxAgeSeconds }: RecordContext,
  pause: Pause,
): Promise<{ readonly folded: readonly KeptNode[]; readonly before: number }> {
  const before = settledBefore(now, maxAgeSeconds);
  const whole = relativesOf(families, unsettled);
  const folded: KeptNode[] = [];
  for (const [teeId, node] of nodes) {
    const { evidence } = node;
    const isFolded = node.folded !== null && foldedBefore === before;
    if (isFolded || whole.has(teeId) || evidence.registeredAt >= before) continue;
    const history = historyOf(node, excusedOf(teeId));
    const days = foldHistory(history, observedClock(history, now), before);
    const gaps = evidence.gaps.filter(({ nextSignedAt }) => nextSignedAt > before);
    const superseded = evidence.superseded.filter(({ nextSignedAt }) => nextSignedAt > before);
    folded.push(keep({ ...evidence, gaps, superseded }, days));
    await pause(1);
  }
  return { folded, before };
}

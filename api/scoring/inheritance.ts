/**
 * What new keys start with. Keys are free, so a record belongs to its operator: a new key takes over that of the key it
 * replaces, or its owner's mean record when that is worse than a newcomer's. Unix seconds.
 */
import { fastMean, posteriorMean } from "./beta.ts";
import { SCORING } from "./constants.ts";
import type { Evidence } from "./evidence.ts";
import { type LifeKnownAt, lifeKnown } from "./lifeKnown.ts";
import { NodePast } from "./nodePast.ts";
import { EMPTY_RECORD, meanRecord, type NodeHistory, type NodeRecord, recordAt } from "./nodeRecord.ts";
import { isStopped, observedClock } from "./observedTime.ts";
import type { OpenSpell } from "./spell.ts";

/** What each node took over when it registered; null when nothing. */
export type Inherited = ReadonlyMap<string, NodeRecord | null>;

const byRegistration = (one: NodeHistory, other: NodeHistory): number =>
  one.registeredAt - other.registeredAt ||
  (one.position?.block ?? 0) - (other.position?.block ?? 0) ||
  (one.position?.logIndex ?? 0) - (other.position?.logIndex ?? 0) ||
  (one.nodeId < other.nodeId ? -1 : 1);

/** The pasts of nodes, prepared when first asked for. */
class Pasts {
  readonly #now: number;
  readonly #known = new Map<string, Past>();
  /** Of nodes of which something else was known than now: the newest such past. */
  readonly #otherwise = new Map<string, Past>();

  constructor(now: number) {
    this.#now = now;
  }

  /** A key's record for its owner's pool: when it went dark, the first 24 h of that count and nothing after. */
  recordForPool(node: NodeHistory, inherited: NodeRecord | null, at: number): NodeRecord {
    const entry = this.#pastOf(node);
    const asOf = entry.past.poolMoment(at);
    // Of a stopped key it is the same record for ever.
    if (entry.pooled?.at !== asOf) entry.pooled = { at: asOf, record: entry.past.recordAt(asOf, inherited) };
    return entry.pooled.record;
  }

  #pastOf(node: NodeHistory): Past {
    const isOf = (entry: Past | undefined) =>
      entry?.past.history.excused === node.excused && entry.past.history.gaps === node.gaps;
    const known = this.#known.get(node.nodeId);
    if (known !== undefined && isOf(known)) return known;
    const otherwise = this.#otherwise.get(node.nodeId);
    if (otherwise !== undefined && isOf(otherwise)) return otherwise;
    const entry = { past: new NodePast(node, this.#now), pooled: null };
    (known === undefined ? this.#known : this.#otherwise).set(node.nodeId, entry);
    return entry;
  }
}

interface Past {
  readonly past: NodePast;
  pooled: { readonly at: number; readonly record: NodeRecord } | null;
}

/** A node as it was known at a moment. */
type KnownAt = (node: NodeHistory, at: number) => NodeHistory;

/**
 * The stopped key that each node replaces: of those at its owner and host that nobody replaced before, the one that
 * registered last. A key at the very same port is superseded, which counts as a stop: a gateway that restarts has a new
 * key within minutes.
 * @param nodes - in order of registration.
 * @returns replacing node → replaced node.
 */
function successions(nodes: readonly NodeHistory[], knownAt: KnownAt): ReadonlyMap<string, NodeHistory> {
  const replaced = new Map<string, NodeHistory>();
  const vacant = new Map<string, NodeHistory[]>();
  for (const node of nodes) {
    const { host, owner, registeredAt: at } = node;
    if (host === null) continue;
    const place = JSON.stringify([owner, host]);
    const earlier = vacant.get(place) ?? [];
    vacant.set(place, earlier);
    const index = earlier.findLastIndex((key) => {
      if (key.port === node.port) return true;
      const then = knownAt(key, at);
      return isStopped(then, observedClock(then, at), at);
    });
    const [predecessor] = index === -1 ? [] : earlier.splice(index, 1);
    if (predecessor !== undefined) replaced.set(node.nodeId, predecessor);
    earlier.push(node);
  }
  return replaced;
}

/** Whether evidence is worse than what a newcomer starts with. */
const isPoor = ({ up, down }: Evidence): boolean => posteriorMean(up, down) < SCORING.inheritBelow;

/**
 * An owner's record: the mean of its keys' records over the week. Of the last hours it is that of the key that fared worst,
 * because a mean over keys would forget the outage that the newest one was given up for.
 */
function pooledRecord(keys: readonly NodeRecord[]): NodeRecord {
  const mean = meanRecord(keys);
  return {
    uptime: withWorstHours(
      mean.uptime,
      keys.map(({ uptime }) => uptime),
    ),
    reachability: withWorstHours(
      mean.reachability,
      keys.map(({ reachability }) => reachability),
    ),
    latency: mean.latency,
  };
}

function withWorstHours(mean: Evidence, keys: readonly Evidence[]): Evidence {
  const slowMean = posteriorMean(mean.up, mean.down);
  const fastOf = ({ up, down }: Evidence) => fastMean(slowMean, up, down);
  const worst = keys.reduce((one, other) => (fastOf(other) < fastOf(one) ? other : one), mean);
  return { up: { ...mean.up, fast: worst.up.fast }, down: { ...mean.down, fast: worst.down.fast } };
}

/** The parts of an owner's record that a new key starts with: the poor ones, and slowness along with them. */
function poorParts(pool: NodeRecord): NodeRecord | null {
  const uptime = isPoor(pool.uptime);
  const reachability = isPoor(pool.reachability);
  if (!uptime && !reachability) return null;
  return {
    uptime: uptime ? pool.uptime : EMPTY_RECORD.uptime,
    reachability: reachability ? pool.reachability : EMPTY_RECORD.reachability,
    latency: pool.latency.log2Hours > 0 ? pool.latency : EMPTY_RECORD.latency,
  };
}

const worseEvidence = (one: Evidence, other: Evidence): Evidence =>
  posteriorMean(other.up, other.down) < posteriorMean(one.up, one.down) ? other : one;

/** The worse of two records, factor by factor. */
const worse = (one: NodeRecord, other: NodeRecord): NodeRecord => ({
  uptime: worseEvidence(one.uptime, other.uptime),
  reachability: worseEvidence(one.reachability, other.reachability),
  latency: other.latency.log2Hours > one.latency.log2Hours ? other.latency : one.latency,
});

/** From when on a node has anything against it; infinity when it never had. */
function troubledFrom(node: NodeHistory, inherited: NodeRecord | null): number {
  const { registeredAt, folded, gaps, lastSignedAt, probes } = node;
  if (inherited !== null || (folded !== null && (folded.down !== null || folded.unreached !== null)))
    return registeredAt;
  const failed = probes.find(({ reached }) => !reached);
  return Math.min(
    gaps[0]?.lastSignedAt ?? lastSignedAt,
    ...(node.superseded ?? []).map((gap) => gap.lastSignedAt),
    failed === undefined ? Number.POSITIVE_INFINITY : failed.at - failed.coversSeconds,
  );
}

export interface InheritanceSettings {
  /** Payment addresses that anyone may name, such as the network's default payee. */
  readonly commonPayees: readonly string[];
  readonly now: number;
  /**
   * The excused time of a node as it was known at an earlier moment; what it says of the time after that moment counts for
   * nothing. The very array that the node's history has where that says the same. Absent where nothing became known later.
   */
  readonly excusedAsOf?: (nodeId: string, at: number) => readonly OpenSpell[];
}

/** What one owner has registered so far. */
interface Estate {
  /** Keys that nobody has replaced yet. */
  readonly keys: Map<string, NodeHistory>;
  troubledFrom: number;
}

/**
 * What each node started with, decided by what was known of the other keys at its registration: nothing that happens or
 * becomes known later changes it. A second that was signed before counts only if its block came by then, too.
 *
 * - A key at the same owner and host as a stopped one takes over its whole record, good or bad, once.
 * - Any other takes the poor parts of its owner's record: see `pooledRecord`.
 * - One that names a payment address or host that another owner named first takes that owner's poor parts where they are
 *   worse than its own. The one named takes nothing.
 *
 * @param nodes - every node of the registry registered by `now`, any order.
 * @param known - what was found before; such nodes are not looked at again. It is final once the registration lies before
 *   `settledBefore`.
 */
export function inheritRecords(
  nodes: readonly NodeHistory[],
  { commonPayees, now, excusedAsOf }: InheritanceSettings,
  known: Inherited = new Map(),
): Inherited {
  const ordered = [...nodes].sort(byRegistration);
  const lives = new Map<string, LifeKnownAt>();
  const lifeOf = (node: NodeHistory): LifeKnownAt => {
    const life = lives.get(node.nodeId) ?? lifeKnown(node);
    lives.set(node.nodeId, life);
    return life;
  };
  const knownAt: KnownAt = (node, at) => {
    const life = lifeOf(node)(at);
    const excused = excusedAsOf?.(node.nodeId, at) ?? node.excused;
    return excused === life.excused ? life : { ...life, excused };
  };
  const replaced = successions(ordered, knownAt);
  const pasts = new Pasts(now);
  const inherited = new Map<string, NodeRecord | null>();
  const estates = new Map<string, Estate>();
  const firstNamed = new Map<string, string>();

  const poorPartsOf = (owner: string, at: number): NodeRecord | null => {
    const estate = estates.get(owner);
    // A record with nothing against it is never poor.
    if (estate === undefined || estate.troubledFrom >= at) return null;
    const keys = [...estate.keys.values()];
    return poorParts(
      pooledRecord(
        keys.map((key) => pasts.recordForPool(knownAt(key, at), inherited.get(key.nodeId) ?? null, at)),
      ),
    );
  };
  const start = (node: NodeHistory, places: readonly string[]): NodeRecord | null => {
    const at = node.registeredAt;
    const predecessor = replaced.get(node.nodeId);
    const own =
      predecessor === undefined
        ? poorPartsOf(node.owner, at)
        : recordAt(knownAt(predecessor, at), inherited.get(predecessor.nodeId) ?? null, at);
    const others = new Set(places.map((place) => firstNamed.get(place) ?? node.owner));
    others.delete(node.owner);
    return [...others]
      .map((owner) => poorPartsOf(owner, at))
      .filter((record) => record !== null)
      .reduce<NodeRecord | null>((record, other) => worse(record ?? EMPTY_RECORD, other), own);
  };

  for (const node of ordered) {
    const { nodeId, owner, host, paymentAddress } = node;
    const places: string[] = [];
    if (host !== null) places.push(`host ${host}`);
    if (paymentAddress !== null && paymentAddress !== owner && !commonPayees.includes(paymentAddress))
      places.push(`payee ${paymentAddress}`);
    const found = known.get(nodeId);
    inherited.set(nodeId, found === undefined ? start(node, places) : found);
    for (const place of places) if (!firstNamed.has(place)) firstNamed.set(place, owner);

    const estate = estates.get(owner) ?? { keys: new Map(), troubledFrom: Number.POSITIVE_INFINITY };
    estates.set(owner, estate);
    const predecessor = replaced.get(nodeId);
    if (predecessor !== undefined) estate.keys.delete(predecessor.nodeId);
    estate.keys.set(nodeId, node);
    estate.troubledFrom = Math.min(estate.troubledFrom, troubledFrom(node, inherited.get(nodeId) ?? null));
  }
  return inherited;
}

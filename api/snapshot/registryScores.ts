/** Every node of a registry scored at one moment. */
import { type NodeEvidence, statusAt } from "../queries/evidence/evidenceNodes.ts";
import type { NodeStatus } from "../queries/nodes/nodeState.ts";
import type { ApiSettings } from "../queries/state/service.ts";
import {
  failedGates,
  type Gate,
  isProbing,
  type NodeHistory,
  type NodeRecord,
  type NodeScore,
  placesOf,
  recordAt,
  type Score,
  scoreOf,
} from "../scoring/index.ts";
import { historyOf, type KeptNode } from "./keptNode.ts";
import type { Pause } from "./pause.ts";
import type { RegistryEvidence } from "./registryEvidence.ts";

/** A node with what selection and orders need of its score; the rest is computed when somebody asks. */
export interface ScoredNode {
  readonly evidence: NodeEvidence;
  readonly registry: string;
  readonly status: NodeStatus;
  /** Those it fails. */
  readonly gates: readonly Gate[];
  readonly score: Score;
  /** Hours of evidence. */
  readonly nEff: number;
  /** Share of the observed time during which it was proved alive, weighed by age; null without evidence. */
  readonly uptime: number | null;
  readonly history: NodeHistory;
  readonly inherited: NodeRecord | null;
  /** Whom it belongs to and where it is, among the registry's nodes: see `placesOf`. */
  readonly place: number;
}

/** A score as answers show it. */
export interface PublishedScore extends NodeScore {
  readonly gates: readonly Gate[];
}

/** No prober has written anything yet: scores rest on uptime alone, and say so. */
const LAST_USABLE_ROUND_AT: number | null = null;

const ALL_PASSED: readonly Gate[] = [];

/** Enough for a pause: what goes through all nodes at once is done in between. */
const PAUSE_UNITS = 10_000;

export class RegistryScores {
  readonly registry: string;
  /** Unix seconds: the moment of the scores. */
  readonly now: number;
  /** `heartbeatMaxAge` in force. */
  readonly maxAgeSeconds: number;
  /** In order of `teeId`. */
  readonly nodes: readonly ScoredNode[];
  readonly #byId: ReadonlyMap<string, ScoredNode>;

  constructor(registry: string, now: number, maxAgeSeconds: number, nodes: readonly ScoredNode[]) {
    this.registry = registry;
    this.now = now;
    this.maxAgeSeconds = maxAgeSeconds;
    this.nodes = nodes;
    this.#byId = new Map(nodes.map((node) => [node.evidence.teeId, node]));
  }

  find(teeId: string): ScoredNode | null {
    return this.#byId.get(teeId) ?? null;
  }

  /** The score with everything that made it; the member order is the contract's. */
  publish({ history, inherited, gates }: ScoredNode): PublishedScore {
    const score = scoreOf(recordAt(history, inherited, this.now), isProbing(LAST_USABLE_ROUND_AT, this.now));
    const { value, low, high, nEff, version, factors } = score;
    return { value, low, high, nEff, version, factors, gates };
  }
}

/**
 * Scores what was read and settled.
 * @param previous - the scores before, whose histories are taken again where nothing changed.
 */
export async function scoreRegistry(
  evidence: RegistryEvidence,
  previous: RegistryScores | null,
  { allowPrivateEndpoints }: Pick<ApiSettings, "allowPrivateEndpoints">,
  pause: Pause,
): Promise<RegistryScores> {
  const { registry, maxAgeSeconds } = evidence;
  const now = evidence.moment.time;
  const probing = isProbing(LAST_USABLE_ROUND_AT, now);
  const excusedOf = evidence.excusedOf();
  const kept = [...evidence.nodes.values()].sort((one, other) =>
    one.evidence.teeId < other.evidence.teeId ? -1 : 1,
  );
  await pause(PAUSE_UNITS);
  const places = placesAgain(kept, previous) ?? placesOf(kept.map(({ evidence }) => evidence.current));
  await pause(PAUSE_UNITS);
  const nodes: ScoredNode[] = [];
  for (const [index, node] of kept.entries()) {
    const { teeId, lastSignedAt, connectable, endpoint } = node.evidence;
    const excused = excusedOf(teeId);
    const before = previous?.find(teeId);
    const history =
      before?.evidence === node.evidence && before.history.excused === excused
        ? before.history
        : historyOf(node, excused);
    const inherited = evidence.inherited.get(teeId) ?? null;
    const { value, nEff, factors } = scoreOf(recordAt(history, inherited, now), probing);
    const status = statusAt(node.evidence, now);
    const allowed = endpoint?.reach === "private" && allowPrivateEndpoints;
    const endpointProblem = allowed ? null : (endpoint?.problem ?? null);
    const gates = failedGates({ status, lastSignedAt, maxAgeSeconds, now, connectable, endpointProblem });
    nodes.push({
      evidence: node.evidence,
      registry,
      status,
      gates: gates.length === 0 ? ALL_PASSED : gates,
      score: value,
      nEff,
      uptime: factors.find(({ name }) => name === "uptime")?.observed ?? null,
      history,
      inherited,
      place: places[index] ?? 0,
    });
    await pause(1);
  }
  return new RegistryScores(registry, now, maxAgeSeconds, nodes);
}

/** The places of before, when nobody came and nobody moved; else null. */
function placesAgain(kept: readonly KeptNode[], previous: RegistryScores | null): readonly number[] | null {
  const before = previous?.nodes;
  if (before?.length !== kept.length) return null;
  const places: number[] = [];
  for (const [index, { evidence }] of kept.entries()) {
    const known = before[index];
    const { teeId, current } = evidence;
    const stayed =
      known?.evidence === evidence ||
      (known?.evidence.teeId === teeId &&
        known.evidence.current.owner === current.owner &&
        known.evidence.current.host === current.host);
    if (!stayed || known === undefined) return null;
    places.push(known.place);
  }
  return places;
}

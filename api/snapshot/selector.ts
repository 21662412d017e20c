/** Selections from one snapshot. What a set of filters comes to is computed once and kept while the snapshot is. */
import {
  type Candidate,
  draw,
  evidenceByOwner,
  type Probability,
  placesOf,
  prepareSelection,
  SCORE_VERSION,
  type Selection,
} from "../scoring/index.ts";
import { type Exclusion, type SelectionFilters, sift } from "./candidates.ts";
import type { Pause } from "./pause.ts";
import type { NamedQuestion, SelectionQuestion } from "./question.ts";
import type { ScoredNode } from "./registryScores.ts";
import type { RegistrySnapshot, Snapshot } from "./snapshot.ts";

/** A node that passed, as a candidate of one question. */
interface PassedNode extends Candidate {
  readonly node: ScoredNode;
}

/** Who passed, and who did not. */
interface Passed {
  readonly candidates: readonly PassedNode[];
  readonly places: Int32Array;
  readonly excluded: readonly Exclusion[];
}

interface Prepared {
  readonly question: SelectionQuestion;
  readonly selection: Selection<PassedNode>;
  readonly excluded: readonly Exclusion[];
}

/** One node that was picked. */
export interface Selected {
  readonly rank: number;
  readonly probability: Probability;
  /** The node with all that is needed to connect to it, as JSON. */
  readonly json: string;
}

export interface SelectionAnswer {
  readonly scoreVersion: string;
  /** First second at which one of the nodes could fail a gate, if nothing is heard of it until then; null without nodes. */
  readonly validUntil: number | null;
  readonly nodes: readonly Selected[];
  readonly excluded: readonly Exclusion[];
}

/** Sets of filters that are kept ready. */
const MAX_PREPARED = 64;
/** Of those asked since the snapshot before, so many are made ready before a new one is shown. */
const MADE_READY = 8;
/** In units of work: enough for a pause. */
const UNITS_OF_A_HALF = 5_000;

export class Selector {
  readonly snapshot: Snapshot;
  /** What was asked last stands last; before that what was made ready and not asked for yet. */
  readonly #prepared = new Map<string, Prepared>();
  readonly #asked = new Set<string>();
  readonly #json = new Map<ScoredNode, string>();
  readonly #hours = new Map<RegistrySnapshot, ReadonlyMap<string, number>>();

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** Makes ready what was asked of the selector before, last. */
  async takeOver(before: Selector, pause: Pause): Promise<void> {
    const asked = [...before.#prepared].filter(([key]) => before.#asked.has(key));
    for (const [key, { question }] of asked.slice(-MADE_READY)) {
      const passed = this.#passed(question);
      await pause(UNITS_OF_A_HALF);
      this.#remember(key, prepare(question, passed));
      await pause(UNITS_OF_A_HALF);
    }
  }

  /** @param count - 1 to 20. */
  select({ key, question }: NamedQuestion, seed: string, count: number): SelectionAnswer {
    const { selection, excluded } = this.#prepare(key, question);
    const nodes: Selected[] = [];
    let validUntil: number | null = null;
    for (const { candidate, rank, probability } of draw(selection, seed, count)) {
      const { node } = candidate;
      nodes.push({ rank, probability, json: this.#jsonOf(node) });
      validUntil = Math.min(validUntil ?? Number.POSITIVE_INFINITY, this.#validUntil(node));
    }
    return { scoreVersion: SCORE_VERSION, validUntil, nodes, excluded };
  }

  #prepare(key: string, question: SelectionQuestion): Prepared {
    this.#asked.add(key);
    const known = this.#prepared.get(key);
    if (known === undefined) return this.#remember(key, prepare(question, this.#passed(question)));
    this.#prepared.delete(key);
    this.#prepared.set(key, known);
    return known;
  }

  #remember(key: string, prepared: Prepared): Prepared {
    this.#prepared.set(key, prepared);
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size > MAX_PREPARED && oldest !== undefined) {
      this.#prepared.delete(oldest);
      this.#asked.delete(oldest);
    }
    return prepared;
  }

  #passed({ filters }: SelectionQuestion): Passed {
    const registries = this.#registries(filters);
    const { passed, excluded } = sift(registries, filters);
    const hours = registries.map((registry) => this.#hoursByOwner(registry));
    // A key may be in several registries.
    const nodeIdOf =
      registries.length === 1
        ? ({ evidence }: ScoredNode) => evidence.teeId
        : ({ evidence, registry }: ScoredNode) => `${evidence.teeId} ${registry}`;
    const candidates = passed.map((node): PassedNode => {
      const { owner, host } = node.evidence.current;
      const { score, nEff } = node;
      let operatorNEff = nEff;
      for (const byOwner of hours) operatorNEff = Math.max(operatorNEff, byOwner.get(owner) ?? 0);
      return { nodeId: nodeIdOf(node), owner, host, score, nEff, operatorNEff, node };
    });
    // Places of one registry say nothing of another's.
    const places =
      registries.length === 1 ? Int32Array.from(passed, ({ place }) => place) : placesOf(candidates);
    return { candidates, places, excluded };
  }

  /** Of all its nodes, selectable or not; the same for every question. */
  #hoursByOwner(registry: RegistrySnapshot): ReadonlyMap<string, number> {
    const known = this.#hours.get(registry);
    if (known !== undefined) return known;
    const hours = evidenceByOwner(
      registry.scores.nodes.map(({ evidence, nEff }) => ({ owner: evidence.current.owner, nEff })),
    );
    this.#hours.set(registry, hours);
    return hours;
  }

  #registries({ registries }: SelectionFilters): readonly RegistrySnapshot[] {
    const { registries: known } = this.snapshot;
    if (registries === null) return [...known.values()];
    return registries.map((registry) => known.get(registry)).filter((found) => found !== undefined);
  }

  #jsonOf(node: ScoredNode): string {
    const { registry, evidence } = node;
    const snapshot = this.snapshot.registries.get(registry);
    const listing = snapshot?.listings.get(evidence.teeId);
    if (snapshot === undefined || listing === undefined)
      throw new Error(`${evidence.teeId} of ${registry} was scored but not listed`);
    const known = this.#json.get(node);
    // Only the short half is kept for each snapshot.
    const changing = known ?? changingJson(node, snapshot);
    if (known === undefined) this.#json.set(node, changing);
    return listing.json + changing;
  }

  #validUntil({ evidence, registry }: ScoredNode): number {
    const maxAgeSeconds = this.snapshot.registries.get(registry)?.scores.maxAgeSeconds ?? 0;
    const activeUntil = evidence.active?.untilAt ?? this.snapshot.now;
    return Math.min(activeUntil, evidence.lastSignedAt + maxAgeSeconds + 1);
  }
}

const prepare = (question: SelectionQuestion, { candidates, places, excluded }: Passed): Prepared => ({
  question,
  selection: prepareSelection(candidates, question.strategy, places),
  excluded,
});

/** The members that follow from heartbeats, after those of the listing. A node that was picked is active. */
function changingJson(node: ScoredNode, { scores }: RegistrySnapshot): string {
  const { lastHeartbeatAt, lastSignedAt } = node.evidence;
  const changing = {
    status: node.status,
    enabled: true,
    lastHeartbeatAt,
    lastSignedAt,
    score: scores.publish(node),
  };
  return `,${JSON.stringify(changing).slice(1)}`;
}

/** Selections from one snapshot. What a set of filters comes to is computed once and kept while the snapshot is. */
import {
  draw,
  evidenceByOwner,
  type Pick,
  prepareSelection,
  SCORE_VERSION,
  type Selection,
} from "../scoring/index.ts";
import { type Exclusion, type SelectionFilters, sift } from "./candidates.ts";
import type { Pause } from "./pause.ts";
import type { NamedQuestion, SelectionQuestion } from "./question.ts";
import type { ScoredNode } from "./registryScores.ts";
import type { RegistrySnapshot, Snapshot } from "./snapshot.ts";

interface Prepared {
  readonly question: SelectionQuestion;
  readonly selection: Selection;
  readonly byId: ReadonlyMap<string, ScoredNode>;
  readonly excluded: readonly Exclusion[];
}

/** One node that was picked. */
export interface Selected extends Pick {
  readonly node: ScoredNode;
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
const MOST_PREPARED = 64;
/** Of them, those that are made ready before a new snapshot is shown. */
const MADE_READY = 3;
/** In units of work: enough for a pause after each. */
const COST_OF_READINESS = 10_000;

export class Selector {
  readonly snapshot: Snapshot;
  readonly #prepared = new Map<string, Prepared>();
  readonly #json = new Map<ScoredNode, string>();

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  /** Makes ready what was asked of the selector before, last. */
  async takeOver(before: Selector, pause: Pause): Promise<void> {
    for (const [key, { question }] of [...before.#prepared].slice(-MADE_READY)) {
      this.#prepare(key, question);
      await pause(COST_OF_READINESS);
    }
  }

  /** @param count - 1 to 20. */
  select({ key, question }: NamedQuestion, seed: string, count: number): SelectionAnswer {
    const { selection, byId, excluded } = this.#prepare(key, question);
    const nodes: Selected[] = [];
    let validUntil: number | null = null;
    for (const pick of draw(selection, seed, count)) {
      const node = byId.get(pick.nodeId);
      if (node === undefined) throw new Error(`${pick.nodeId} was drawn but is no candidate`);
      nodes.push({ ...pick, node, json: this.#jsonOf(node) });
      validUntil = Math.min(validUntil ?? Number.POSITIVE_INFINITY, this.#validUntil(node));
    }
    return { scoreVersion: SCORE_VERSION, validUntil, nodes, excluded };
  }

  #prepare(key: string, question: SelectionQuestion): Prepared {
    const known = this.#prepared.get(key);
    if (known !== undefined) {
      // The last one asked for stands last.
      this.#prepared.delete(key);
      this.#prepared.set(key, known);
      return known;
    }
    const { strategy, filters } = question;
    const registries = this.#registries(filters);
    const { passed, excluded } = sift(registries, filters);
    const hours = evidenceByOwner(
      registries.flatMap(({ scores }) =>
        scores.nodes.map(({ evidence, nEff }) => ({ owner: evidence.current.owner, nEff })),
      ),
    );
    const candidates = passed.map((node) => {
      const { owner, host } = node.evidence.current;
      const { score, nEff } = node;
      return { nodeId: idOf(node), owner, host, score, nEff, operatorNEff: hours.get(owner) ?? nEff };
    });
    const prepared = {
      question,
      selection: prepareSelection(candidates, strategy),
      byId: new Map(passed.map((node) => [idOf(node), node])),
      excluded,
    };
    this.#prepared.set(key, prepared);
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size > MOST_PREPARED && oldest !== undefined) this.#prepared.delete(oldest);
    return prepared;
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

/** A key may be in several registries. */
const idOf = ({ evidence, registry }: ScoredNode): string => `${evidence.teeId} ${registry}`;

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

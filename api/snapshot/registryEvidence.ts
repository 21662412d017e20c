/**
 * One registry as a process keeps it between blocks. `begin` reads everything as it was at a moment; `advance` reads only
 * what the chain said since. Both lead to the same evidence, to the byte.
 */

import {
  type MaxAge,
  type Observed,
  type RegistryChanges,
  readChanges,
  readMaxAges,
  readObserved,
  readRewritten,
} from "../queries/evidence/evidenceChanges.ts";
import { type NodeEvidence, readAllEvidence, readNodeEvidence } from "../queries/evidence/evidenceNodes.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Moment } from "../queries/state/moment.ts";
import { observationRevision } from "../queries/state/observations.ts";
import type { Spell } from "../scoring/index.ts";
import { type Families, familiesOf } from "./families.ts";
import { type KeptNode, keep } from "./keptNode.ts";
import type { Pause } from "./pause.ts";
import { fold, inherit, NO_RECORDS, type RecordContext, type Records, relativesOf } from "./records.ts";
import { RelayerWatch } from "./relayerWatch.ts";

const FROM_THE_BEGINNING = Number.MIN_SAFE_INTEGER;

/** What an advance touched. */
export interface Advance {
  /** Nodes of which more may have changed than heartbeats change. */
  readonly changedRecords: readonly string[];
  readonly changes: RegistryChanges;
}

/** What is read whole at every moment. */
interface Base {
  readonly moment: Moment;
  readonly maxAges: readonly MaxAge[];
  readonly revision: number;
  readonly observed: Observed;
}

async function readBase(
  transaction: ReadTransaction,
  moment: Moment,
  registry: string,
  known: Base | null,
): Promise<Base> {
  const maxAges = await readMaxAges(transaction, moment, registry);
  const revision = await observationRevision(transaction);
  const observed =
    known?.revision === revision &&
    moment.blockNumber < (known.observed.nextBlock ?? Number.POSITIVE_INFINITY)
      ? known.observed
      : await readObserved(transaction, moment, registry);
  return { moment, maxAges, revision, observed };
}

export class RegistryEvidence {
  readonly registry: string;
  readonly #commonPayees: readonly string[];
  readonly #watch: RelayerWatch;
  readonly #nodes = new Map<string, KeptNode>();
  #base: Base;
  #families: Families = [];
  #records = NO_RECORDS;

  private constructor(registry: string, commonPayees: readonly string[], base: Base) {
    this.registry = registry;
    this.#commonPayees = commonPayees;
    this.#base = base;
    this.#watch = new RelayerWatch(registry, base.maxAges, (teeId) => this.#nodes.get(teeId)?.carried);
  }

  /**
   * Reads the registry as it was at the moment.
   * @param later - the same registry at a later moment of the same rows: what it knows of the past is not read again.
   */
  static async begin(
    transaction: ReadTransaction,
    moment: Moment,
    registry: string,
    commonPayees: readonly string[],
    later: RegistryEvidence | null,
  ): Promise<RegistryEvidence> {
    const begun = new RegistryEvidence(
      registry,
      commonPayees,
      await readBase(transaction, moment, registry, null),
    );
    const scope = { registry, gapsEndingAfter: FROM_THE_BEGINNING };
    for (const evidence of await readAllEvidence(transaction, moment, scope))
      begun.#nodes.set(evidence.teeId, keep(evidence, null));
    begun.#families = familiesOf(begun.#nodes.values(), commonPayees);
    await begun.#watch.begin(transaction, moment, later === null ? null : later.#watch);
    return begun;
  }

  get moment(): Moment {
    return this.#base.moment;
  }

  /** `heartbeatMaxAge` in force, seconds; 0 before the registry's first event. */
  get maxAgeSeconds(): number {
    return this.#base.maxAges.at(-1)?.valueSeconds ?? 0;
  }

  get nodes(): ReadonlyMap<string, KeptNode> {
    return this.#nodes;
  }

  get inherited(): Records["inherited"] {
    return this.#records.inherited;
  }

  /** The excused time of each node as of the moment. */
  excusedOf(): (teeId: string) => readonly Spell[] {
    return this.#watch.at(this.moment.time);
  }

  /**
   * Takes in what the chain said since, up to the moment.
   * @returns null when the past itself reads otherwise now: only a new beginning gives the right evidence then. Nothing
   * has changed in that case.
   */
  async advance(transaction: ReadTransaction, moment: Moment): Promise<Advance | null> {
    const { registry } = this;
    const base = await readBase(transaction, moment, registry, this.#base);
    // A new value moves the end of every node's activity, and may have been noticed late.
    if (JSON.stringify(base.maxAges) !== JSON.stringify(this.#base.maxAges)) return null;
    const changes = await readChanges(transaction, moment, registry, this.moment.blockNumber);
    const changedRecords = this.#changedRecords(changes, base.observed);
    const read = await this.#readTouched(transaction, moment, changes, changedRecords);
    if (read.some(({ evidence }) => this.#isMoved(evidence))) return null;

    const arrived = read.filter(({ evidence }) => !this.#nodes.has(evidence.teeId));
    for (const node of read) this.#nodes.set(node.evidence.teeId, node);
    if (arrived.length > 0) {
      this.#families = familiesOf(this.#nodes.values(), this.#commonPayees);
      await this.#completeRelatives(transaction, moment, arrived);
    }
    this.#base = base;
    await this.#watch.advance(transaction, moment, changes.heartbeats);
    return { changedRecords, changes };
  }

  /** Nodes of which events or observations say something new. */
  #changedRecords(
    { teeIds, pcrHashes, typesChanged }: RegistryChanges,
    observed: Base["observed"],
  ): readonly string[] {
    const changed = new Set(teeIds);
    if (pcrHashes.length === 0 && !typesChanged && observed === this.#base.observed) return [...changed];
    for (const [teeId, { evidence }] of this.#nodes) {
      const ofPcr = evidence.pcrHash !== null && pcrHashes.includes(evidence.pcrHash);
      const before = this.#base.observed.versions.get(teeId);
      if (ofPcr || typesChanged || observed.versions.get(teeId) !== before) changed.add(teeId);
    }
    return [...changed];
  }

  async #readTouched(
    transaction: ReadTransaction,
    moment: Moment,
    { heartbeats }: RegistryChanges,
    changedRecords: readonly string[],
  ): Promise<readonly KeptNode[]> {
    const { registry } = this;
    const { foldedBefore: before } = this.#records;
    const whole = new Set(changedRecords);
    const beating = new Set(heartbeats.map(({ teeId }) => teeId));
    const isFolded = (teeId: string) => (this.#nodes.get(teeId)?.folded ?? null) !== null;
    for (const teeId of beating) if (!isFolded(teeId)) whole.add(teeId);
    const rest = [...beating].filter((teeId) => !whole.has(teeId));
    const since = { sinceTime: this.moment.time, before };
    for (const teeId of await readRewritten(transaction, moment, registry, rest, since)) whole.add(teeId);

    const recent: KeptNode[] = [];
    const asked = rest.filter((teeId) => !whole.has(teeId));
    for (const evidence of await readNodeEvidence(
      transaction,
      moment,
      { registry, gapsEndingAfter: before },
      asked,
    )) {
      const known = this.#nodes.get(evidence.teeId);
      const lastSignedAt = known?.evidence.lastSignedAt ?? 0;
      // A gap that was open when it was folded turned out to end, or to be split, before that.
      if (lastSignedAt !== evidence.lastSignedAt && evidence.lastSignedAt <= before)
        whole.add(evidence.teeId);
      else recent.push(keep(evidence, known?.folded ?? null));
    }
    return [...recent, ...(await this.#readWhole(transaction, moment, whole))];
  }

  async #readWhole(
    transaction: ReadTransaction,
    moment: Moment,
    teeIds: Iterable<string>,
  ): Promise<readonly KeptNode[]> {
    const scope = { registry: this.registry, gapsEndingAfter: FROM_THE_BEGINNING };
    const evidence = await readNodeEvidence(transaction, moment, scope, [...teeIds]);
    return evidence.map((one) => keep(one, null));
  }

  /** What decides inheritance was read otherwise than before. */
  #isMoved({ teeId, registered, registeredAt }: NodeEvidence): boolean {
    const known = this.#nodes.get(teeId)?.evidence;
    return (
      known !== undefined &&
      JSON.stringify([known.registered, known.registeredAt]) !== JSON.stringify([registered, registeredAt])
    );
  }

  async #completeRelatives(
    transaction: ReadTransaction,
    moment: Moment,
    arrived: readonly KeptNode[],
  ): Promise<void> {
    const unsettled = new Set([...this.#records.unsettled, ...arrived.map(({ evidence }) => evidence.teeId)]);
    const folded = [...relativesOf(this.#families, unsettled)].filter(
      (teeId) => (this.#nodes.get(teeId)?.folded ?? null) !== null,
    );
    for (const node of await this.#readWhole(transaction, moment, folded))
      this.#nodes.set(node.evidence.teeId, node);
  }

  /** Finds inheritance and folds what is settled, once everything up to the moment was read. */
  async settle(pause: Pause): Promise<void> {
    const context: RecordContext = {
      families: this.#families,
      excusedOf: this.excusedOf(),
      excusedAsOf: this.#watch.asOf(this.moment.time),
      now: this.moment.time,
      maxAgeSeconds: Math.max(0, ...this.#base.maxAges.map(({ valueSeconds }) => valueSeconds)),
      commonPayees: this.#commonPayees,
    };
    const records = await inherit(this.#nodes, this.#records, context, pause);
    const { folded, before } = await fold(this.#nodes, records, context, pause);
    for (const node of folded) this.#nodes.set(node.evidence.teeId, node);
    this.#records = { ...records, foldedBefore: before };
  }
}

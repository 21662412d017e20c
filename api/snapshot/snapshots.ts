/**
 * The snapshot that selections are made from, kept up with the chain, and the scores of earlier moments. A refresh reads
 * in one transaction, computes in slices and replaces the snapshot whole; while the index recovers, or cannot be
 * reached, the last one stays.
 */
import type { Log } from "../../config/log.ts";
import { ApiError } from "../errors.ts";
import { readDeployment, readPcrApprovals } from "../queries/evidence/evidenceChanges.ts";
import type { Reader, ReadTransaction } from "../queries/reading/database.ts";
import { type ChainAsOf, chainAsOf, momentOf } from "../queries/state/asOf.ts";
import type { Moment } from "../queries/state/moment.ts";
import { observationRevision } from "../queries/state/observations.ts";
import {
  indexing,
  type PositionWatcher,
  readNewestEventBlock,
  readProgress,
} from "../queries/state/position.ts";
import { type ApiSettings, originOf } from "../queries/state/service.ts";
import { readListings } from "./listing.ts";
import type { Pause } from "./pause.ts";
import { RegistryEvidence } from "./registryEvidence.ts";
import { RegistryScores, scoreRegistry } from "./registryScores.ts";
import { Selector } from "./selector.ts";
import { type RegistrySnapshot, type Snapshot, stateKey } from "./snapshot.ts";

export interface SnapshotsOptions {
  /** Not the one that requests read with: a refresh must not wait for them while they wait for it. */
  readonly reader: Reader;
  readonly watcher: PositionWatcher;
  readonly settings: ApiSettings;
  readonly log: Log;
  readonly pause: Pause;
  /** Told of every snapshot when it replaces the one before. */
  readonly onNew?: (snapshot: Snapshot) => void;
}

/** Snapshots whose orders can still be paged through without computing them again. */
const KEPT_SNAPSHOTS = 8;
/** Scores of past moments that are kept. */
const KEPT_PASTS = 4;

/** What one transaction read. */
interface Read {
  readonly asOf: Snapshot["asOf"];
  readonly og: ChainAsOf;
  readonly revision: number;
  readonly deployment: number;
  /** The states before it were read from the same rows. */
  readonly continues: boolean;
  readonly registries: ReadonlyMap<string, ReadRegistry>;
}

type ReadRegistry = Omit<RegistrySnapshot, "scores"> & { readonly evidence: RegistryEvidence };

export class Snapshots {
  readonly #options: SnapshotsOptions;
  #newest: Selector | null = null;
  /** Newest first. */
  #kept: readonly Snapshot[] = [];
  /** What the next refresh continues from. */
  #read: Read | null = null;
  /** Why there is no snapshot yet. */
  #refusal: unknown = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  readonly #pasts = new Map<string, Promise<RegistryScores>>();
  #pastTurn: Promise<unknown> = Promise.resolve();

  constructor(options: SnapshotsOptions) {
    this.#options = options;
  }

  /**
   * Selections from the newest state.
   * @throws {ApiError} while there is none.
   */
  get newest(): Selector {
    if (this.#newest !== null) return this.#newest;
    if (this.#refusal instanceof ApiError) throw this.#refusal;
    throw new ApiError("indexing", "The nodes have not been scored yet.", {}, { retryAfterSeconds: 5 });
  }

  /** Selections from the state that a request is answered from; null when it is not at hand. */
  selectorAt(og: ChainAsOf): Selector | null {
    const keyOf = ({ chainId, blockNumber, blockTime, evidence }: ChainAsOf) =>
      JSON.stringify([chainId, blockNumber, blockTime, evidence?.blockNumber, evidence?.blockHash]);
    return this.#selectorOf((asOf) => asOf.og !== null && keyOf(asOf.og) === keyOf(og));
  }

  /** Selections from the newest state that is not after a block; null when there is none at hand. */
  selectorUpTo(block: number): Selector | null {
    return this.#selectorOf(({ og }) => og !== null && og.blockNumber <= block);
  }

  #selectorOf(fits: (asOf: Snapshot["asOf"]) => boolean): Selector | null {
    const newest = this.#newest;
    if (newest !== null && fits(newest.snapshot.asOf)) return newest;
    const snapshot = this.#kept.find(({ asOf }) => fits(asOf));
    return snapshot === undefined ? null : new Selector(snapshot);
  }

  /** Brings the snapshot up to what the index holds when this is called. Calls in between are answered together. */
  refresh(): Promise<void> {
    if (this.#running === null) {
      this.#running = this.#refreshOnce().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.refresh();
    });
    return this.#next;
  }

  /** Never throws: a failure keeps the last snapshot, and the next refresh begins anew. */
  async #refreshOnce(): Promise<void> {
    const { reader, settings, log, pause } = this.#options;
    try {
      const read = await reader.read((transaction) => this.#readState(transaction));
      if (read === null || read === this.#read) return;
      const before = read.continues ? (this.#newest?.snapshot ?? null) : null;
      const registries = new Map<string, RegistrySnapshot>();
      for (const [registry, { evidence, listings, pcrApprovals }] of read.registries) {
        await evidence.settle(pause);
        const previous = before?.registries.get(registry)?.scores ?? null;
        const scores = await scoreRegistry(evidence, previous, settings, pause);
        registries.set(registry, { scores, listings, pcrApprovals });
      }
      const { asOf, og, revision } = read;
      const snapshot: Snapshot = { asOf, now: og.blockTime, revision, registries };
      const selector = new Selector(snapshot);
      if (this.#newest !== null) await selector.takeOver(this.#newest, pause);
      this.#kept = [snapshot, ...(read.continues ? this.#kept : [])].slice(0, KEPT_SNAPSHOTS);
      this.#newest = selector;
      this.#read = read;
      this.#options.onNew?.(snapshot);
    } catch (error) {
      this.#read = null;
      this.#refusal = error;
      log.warn("the snapshot could not be refreshed", { error });
    }
  }

  /** Null when nothing may be answered from the index now; what was read before when nothing has changed since. */
  async #readState(transaction: ReadTransaction): Promise<Read | null> {
    const { watcher, settings } = this.#options;
    const { og: progress } = await readProgress(transaction, settings.chainIds, ["og"]);
    const position = watcher.admit("og", progress);
    if (position === null) {
      this.#refusal = indexing("og", progress);
      return null;
    }
    const og = chainAsOf(position);
    const revision = await observationRevision(transaction);
    const deployment = await readDeployment(transaction);
    const known = this.#read;
    const continues =
      known !== null && known.deployment === deployment && (await follows(transaction, known.og, og));
    if (continues && known.og.blockNumber === og.blockNumber && known.revision === revision) return known;

    const registries = new Map<string, ReadRegistry>();
    for (const registry of settings.registries) {
      const before = continues ? known.registries.get(registry) : undefined;
      registries.set(registry, await this.#readRegistry(transaction, momentOf(og), registry, before));
    }
    const asOf = { og, base: null, proofs: null, origin: originOf(settings) };
    return { asOf, og, revision, deployment, continues, registries };
  }

  async #readRegistry(
    transaction: ReadTransaction,
    moment: Moment,
    registry: string,
    before: ReadRegistry | undefined,
  ): Promise<ReadRegistry> {
    if (before !== undefined) {
      const { evidence } = before;
      const advance = await evidence.advance(transaction, moment);
      if (advance !== null) {
        const { changedRecords, changes } = advance;
        const changed = await readListings(transaction, moment, registry, changedRecords);
        const listings = changed.size === 0 ? before.listings : new Map([...before.listings, ...changed]);
        const pcrApprovals =
          changes.pcrHashes.length === 0
            ? before.pcrApprovals
            : await readPcrApprovals(transaction, moment, registry);
        return { evidence, listings, pcrApprovals };
      }
    }
    const { commonPayees } = this.#options.settings;
    const evidence = await RegistryEvidence.begin(transaction, moment, registry, commonPayees, null);
    return {
      evidence,
      listings: await readListings(transaction, moment, registry, [...evidence.nodes.keys()]),
      pcrApprovals: await readPcrApprovals(transaction, moment, registry),
    };
  }

  /**
   * A registry's scores at a moment of the transaction's state: those of a snapshot when there is one, else computed from
   * the beginning.
   */
  async scoresAt(transaction: ReadTransaction, moment: Moment, registry: string): Promise<RegistryScores> {
    // Looking for the heartbeats of a registry that is not indexed would mean to go through all others'.
    if (!this.#options.settings.registries.includes(registry))
      return new RegistryScores(registry, moment.time, 0, []);
    const evidence = await readNewestEventBlock(transaction, "og", moment.chainId, moment.blockNumber);
    const revision = await observationRevision(transaction);
    const key = stateKey(evidence, moment.time, revision);
    const known = this.#find(key, registry);
    if (known !== null) return known;
    if (moment.time > (this.#newest?.snapshot.now ?? Number.NEGATIVE_INFINITY)) {
      await this.refresh();
      const refreshed = this.#find(key, registry);
      if (refreshed !== null) return refreshed;
    }
    return this.#past(`${key} ${registry}`, () => this.#scorePast(transaction, moment, registry));
  }

  #find(key: string, registry: string): RegistryScores | null {
    const found = this.#kept.find(
      ({ asOf, now, revision }) => stateKey(asOf.og?.evidence ?? null, now, revision) === key,
    );
    return found?.registries.get(registry)?.scores ?? null;
  }

  /** Computed once for everyone who asks, one moment after the other. */
  async #past(key: string, compute: () => Promise<RegistryScores>): Promise<RegistryScores> {
    for (;;) {
      const known = this.#pasts.get(key);
      if (known === undefined) return this.#beginPast(key, compute);
      try {
        return await known;
      } catch {
        // Whoever began it may be gone or out of time, which says nothing of this one: it does it itself.
      }
    }
  }

  #beginPast(key: string, compute: () => Promise<RegistryScores>): Promise<RegistryScores> {
    const scores = this.#pastTurn.then(compute);
    this.#pastTurn = scores.catch(() => {});
    this.#pasts.set(key, scores);
    scores.catch(() => {
      if (this.#pasts.get(key) === scores) this.#pasts.delete(key);
    });
    for (const oldest of [...this.#pasts.keys()].slice(0, -KEPT_PASTS)) this.#pasts.delete(oldest);
    return scores;
  }

  async #scorePast(transaction: ReadTransaction, moment: Moment, registry: string): Promise<RegistryScores> {
    const { settings, pause } = this.#options;
    const { commonPayees } = settings;
    const later = await this.#readLater(transaction, moment, registry);
    const evidence = await RegistryEvidence.begin(transaction, moment, registry, commonPayees, later);
    await evidence.settle(pause);
    return scoreRegistry(evidence, null, settings, pause);
  }

  /** The newest evidence, when the transaction's rows are those it was read from, with the moment among them. */
  async #readLater(
    transaction: ReadTransaction,
    { chainId, blockNumber }: Moment,
    registry: string,
  ): Promise<RegistryEvidence | null> {
    const read = this.#read;
    if (read === null || read.og.chainId !== chainId || read.og.blockNumber < blockNumber) return null;
    const isSame =
      read.deployment === (await readDeployment(transaction)) && (await holds(transaction, read.og));
    return isSame ? (read.registries.get(registry)?.evidence ?? null) : null;
  }
}

/** Whether the rows read before are still those that the state `now` was built on. */
async function follows(transaction: ReadTransaction, before: ChainAsOf, now: ChainAsOf): Promise<boolean> {
  if (before.chainId !== now.chainId || before.blockNumber > now.blockNumber) return false;
  return holds(transaction, before);
}

/** Whether the newest event by then is the one that was the newest. */
async function holds(
  transaction: ReadTransaction,
  { chainId, blockNumber, evidence }: ChainAsOf,
): Promise<boolean> {
  const found = await readNewestEventBlock(transaction, "og", chainId, blockNumber);
  return found?.blockNumber === evidence?.blockNumber && found?.blockHash === evidence?.blockHash;
}

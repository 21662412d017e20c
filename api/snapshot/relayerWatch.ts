/**
 * Follows who relays heartbeats, and what time the silences of relayers excuse. Read once from the beginning and then fed
 * with every heartbeat, or read anew at a moment: both ways give the same spells. Unix seconds.
 */

import type { MaxAge, RelayedHeartbeat } from "../queries/evidence/evidenceChanges.ts";
import {
  type EndedSilence,
  type RelayedPast,
  readAliveElsewhere,
  readSilences,
  readWitnesses,
  type Silence,
  type SilenceWitnesses,
} from "../queries/evidence/evidenceRelayers.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import type { Moment } from "../queries/state/moment.ts";
import { isSilence, SCORING, type Spell } from "../scoring/index.ts";
import { type CarriedNode, Excuses, TrackedSilence } from "./excuses.ts";

const HOUR = 3_600;
const WINDOW = {
  carriedWithinSeconds: SCORING.carriedWithinHours * HOUR,
  leastOperators: SCORING.excuseOperators,
};
/** After so long nobody's signs of life change what a silence excuses. */
const JUDGED_SECONDS = 24 * HOUR;
/** Most silences are decided by what comes within the first hour. */
const FIRST_LOOK_SECONDS = HOUR;

interface Sent {
  readonly at: number;
  readonly block: number;
}

export class RelayerWatch {
  readonly #registry: string;
  readonly #maxAges: readonly MaxAge[];
  readonly #carriedAs: (teeId: string) => CarriedNode | undefined;
  readonly #excuses = new Excuses();
  readonly #last = new Map<string, Sent>();
  readonly #ended: EndedSilence[] = [];
  /** Silences that last, by relayer; null for those that excuse nobody whatever comes. */
  readonly #open = new Map<string, TrackedSilence | null>();

  /**
   * @param maxAges - of the registry, in order of time.
   * @param carriedAs - a node of the registry with who registered it, the same object every time.
   */
  constructor(
    registry: string,
    maxAges: readonly MaxAge[],
    carriedAs: (teeId: string) => CarriedNode | undefined,
  ) {
    this.#registry = registry;
    this.#maxAges = maxAges;
    this.#carriedAs = carriedAs;
  }

  /**
   * Reads everything up to the moment. Once, before anything else.
   * @param later - a watch of the same registry that has read the moment's rows and later ones: then none of the heartbeats
   * is looked for again.
   */
  async begin(transaction: ReadTransaction, moment: Moment, later: RelayerWatch | null): Promise<void> {
    const known = later === null ? null : later.#upTo(moment, this.#maxAges);
    const { ended, last } = known ?? (await readSilences(transaction, moment, this.#registry));
    for (const { relayer, at, block } of last) this.#last.set(relayer, { at, block });
    this.#ended.push(...ended);
    await this.#judge(transaction, moment, [...ended, ...this.#begun(moment.time)]);
  }

  /** What it has read as it was at an earlier moment; null when that was judged by other maximum ages. */
  #upTo({ blockNumber, time }: Moment, maxAges: readonly MaxAge[]): RelayedPast | null {
    const inForce = this.#maxAges.filter(({ fromAt }) => fromAt <= time);
    if (JSON.stringify(inForce) !== JSON.stringify(maxAges)) return null;
    const interrupted = this.#ended.filter(
      ({ fromBlock, untilBlock }) => fromBlock <= blockNumber && untilBlock > blockNumber,
    );
    const stillLast = [...this.#last].filter(([, { block }]) => block <= blockNumber);
    return {
      ended: this.#ended.filter(({ untilBlock }) => untilBlock <= blockNumber),
      last: [
        ...interrupted.map(({ relayer, fromAt, fromBlock }) => ({ relayer, at: fromAt, block: fromBlock })),
        ...stillLast.map(([relayer, sent]) => ({ relayer, ...sent })),
      ],
    };
  }

  /** Takes in what was relayed since, up to the moment. @param heartbeats - in order of the chain. */
  async advance(
    transaction: ReadTransaction,
    moment: Moment,
    heartbeats: readonly RelayedHeartbeat[],
  ): Promise<void> {
    const unseen: Silence[] = [];
    for (const heartbeat of heartbeats) {
      const silence = this.#take(heartbeat);
      if (silence !== null) unseen.push(silence);
    }
    await this.#judge(transaction, moment, [...unseen, ...this.#begun(moment.time)]);
  }

  /** The excused time of each node at `now`: disjoint spells in order of time. */
  at(now: number): (teeId: string) => readonly Spell[] {
    return this.#excuses.at(now);
  }

  /** The same as it was known at an earlier moment: silences count that excused somebody by what was heard until then. */
  asOf(now: number): (teeId: string, at: number) => readonly Spell[] {
    return this.#excuses.asOf(now);
  }

  #maxAgeAt(time: number): number {
    return this.#maxAges.findLast(({ fromAt }) => fromAt <= time)?.valueSeconds ?? 0;
  }

  #isSilent(fromAt: number, untilAt: number): boolean {
    return isSilence(untilAt - fromAt, this.#maxAgeAt(fromAt));
  }

  /** @returns a silence that ended before anybody saw it begin. */
  #take({ relayer, receivedAt, blockNumber, teeId, repeated }: RelayedHeartbeat): Silence | null {
    const before = this.#last.get(relayer);
    this.#last.set(relayer, { at: receivedAt, block: blockNumber });
    const node = this.#carriedAs(teeId);
    if (!repeated && node !== undefined)
      for (const silence of this.#open.values()) silence?.hear(relayer, node.operator, receivedAt);
    if (before === undefined || !this.#isSilent(before.at, receivedAt)) return null;
    const silence = {
      relayer,
      fromAt: before.at,
      fromBlock: before.block,
      untilAt: receivedAt,
      untilBlock: blockNumber,
    };
    this.#ended.push(silence);
    const known = this.#open.get(relayer);
    this.#open.delete(relayer);
    known?.end(receivedAt);
    return known === undefined ? silence : null;
  }

  /** Silences that have become long enough by now. */
  #begun(now: number): readonly Silence[] {
    return [...this.#last]
      .filter(([relayer, { at }]) => !this.#open.has(relayer) && this.#isSilent(at, now))
      .map(([relayer, { at, block }]) => ({ relayer, fromAt: at, fromBlock: block, untilAt: null }));
  }

  /** Finds out whom new silences excuse. */
  async #judge(transaction: ReadTransaction, moment: Moment, silences: readonly Silence[]): Promise<void> {
    if (silences.length === 0) return;
    const witnesses = await readWitnesses(transaction, moment, this.#registry, silences, WINDOW);
    const open: [Silence, TrackedSilence][] = [];
    for (const [index, silence] of silences.entries()) {
      const tracked = this.#track(silence, witnesses[index] ?? null);
      if (silence.untilAt === null) this.#open.set(silence.relayer, tracked);
      if (tracked !== null) open.push([silence, tracked]);
    }
    const first = { afterSeconds: 0, withinSeconds: FIRST_LOOK_SECONDS };
    const rest = { afterSeconds: FIRST_LOOK_SECONDS - 1, withinSeconds: JUDGED_SECONDS };
    let undecided = open;
    for (const part of [first, rest]) {
      const asked = undecided.map(([silence]) => silence);
      const alive = await readAliveElsewhere(transaction, moment, this.#registry, asked, part);
      for (const [index, [, tracked]] of undecided.entries())
        for (const { operator, at } of alive[index] ?? []) tracked.hear(null, operator, at);
      undecided = undecided.filter(([, tracked]) => tracked.mayExcuse());
    }
    for (const [, tracked] of open) if (tracked.everExcused()) this.#excuses.add(tracked);
  }

  #track(silence: Silence, witnesses: SilenceWitnesses | null): TrackedSilence | null {
    if (witnesses === null) return null;
    const { relayer, fromAt, untilAt } = silence;
    const tracked = new TrackedSilence({
      relayer,
      fromAt,
      untilAt,
      maxAgeSeconds: this.#maxAgeAt(fromAt),
      carried: witnesses.carried.map(this.#carriedAs).filter((node) => node !== undefined),
      operatorsHeard: witnesses.operatorsHeard,
    });
    return tracked.mayExcuse() ? tracked : null;
  }
}

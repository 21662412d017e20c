/**
 * What silences excuse, kept so that an hour of silence does not mean going through every node's past at each block:
 * nodes that the same silences carried share their spells, and spells are computed again only while one still grows.
 * Equal to scoring's `excusedSpells` of the same silences. Unix seconds.
 */
import {
  excuses,
  expectedIntervalSeconds,
  granted,
  type RelayerSilence,
  SCORING,
  type Spell,
} from "../scoring/index.ts";

const DAY = 86_400;
const NONE: readonly Spell[] = [];

export type CarriedNode = RelayerSilence["carried"][number];

/** One silence and who was heard elsewhere during it. */
export class TrackedSilence {
  readonly #silence: Omit<RelayerSilence, "untilAt" | "operatorsAliveElsewhere">;
  readonly #operators: ReadonlySet<string>;
  readonly #aliveAt = new Map<string, number>();
  #untilAt: number | null;
  /** Null until it is asked for after a change. */
  #verdict: boolean | null = null;

  constructor(silence: Omit<RelayerSilence, "operatorsAliveElsewhere">) {
    const { untilAt, ...rest } = silence;
    this.#silence = rest;
    this.#untilAt = untilAt;
    this.#operators = new Set(rest.carried.map(({ operator }) => operator));
  }

  get carried(): RelayerSilence["carried"] {
    return this.#silence.carried;
  }

  /** Another relayer, or an unknown one that is not this, sent a new signed second of an operator's node. */
  hear(relayer: string | null, operator: string, at: number): void {
    const { fromAt } = this.#silence;
    const counts =
      relayer !== this.#silence.relayer && at > fromAt && at < fromAt + DAY && this.#operators.has(operator);
    if (!counts || (this.#aliveAt.get(operator) ?? Number.POSITIVE_INFINITY) <= at) return;
    this.#aliveAt.set(operator, at);
    this.#verdict = null;
  }

  end(untilAt: number): void {
    this.#untilAt = untilAt;
    this.#verdict = null;
  }

  /** Whether it excuses time by what is known; once it does not it never will again. */
  mayExcuse(): boolean {
    const untilAt = this.#untilAt;
    this.#verdict ??= excuses(
      {
        ...this.#silence,
        untilAt,
        operatorsAliveElsewhere: [...this.#aliveAt]
          .filter(([, at]) => untilAt === null || at < untilAt)
          .map(([operator]) => operator),
      },
      // It is one already, however long it will have been.
      Number.POSITIVE_INFINITY,
    );
    return this.#verdict;
  }

  /** Whether it excused time by what was known at `at`. */
  excusedAt(at: number): boolean {
    const untilAt = this.#untilAt !== null && this.#untilAt <= at ? this.#untilAt : null;
    const heard = [...this.#aliveAt].filter(
      ([, aliveAt]) => aliveAt <= at && (untilAt === null || aliveAt < untilAt),
    );
    const operatorsAliveElsewhere = heard.map(([operator]) => operator);
    return excuses({ ...this.#silence, untilAt, operatorsAliveElsewhere }, at);
  }

  /** Whether it excuses time, or did until somebody was heard elsewhere. */
  everExcused(): boolean {
    if (this.mayExcuse()) return true;
    const { fromAt, maxAgeSeconds } = this.#silence;
    return this.excusedAt(
      fromAt + Math.floor(SCORING.excuseAfterIntervals * expectedIntervalSeconds(maxAgeSeconds)) + 1,
    );
  }

  /** The time it claims at `now`. */
  claimAt(now: number): Spell {
    const { fromAt, maxAgeSeconds } = this.#silence;
    const margin = SCORING.excuseMarginIntervals * expectedIntervalSeconds(maxAgeSeconds);
    return { fromAt: fromAt - margin, untilAt: Math.min(now, (this.#untilAt ?? now) + margin) };
  }
}

/** Silences that carried the same nodes one after the other. */
class Chain {
  readonly #silences: readonly TrackedSilence[];
  readonly #longer = new Map<TrackedSilence, Chain>();
  #known: { readonly key: string; readonly spells: readonly Spell[] } | null = null;
  /** The same of the silences that were known at an earlier moment. */
  #knownThen: { readonly key: string; readonly spells: readonly Spell[] } | null = null;

  constructor(silences: readonly TrackedSilence[]) {
    this.#silences = silences;
  }

  with(silence: TrackedSilence): Chain {
    const known = this.#longer.get(silence);
    if (known !== undefined) return known;
    const chain = new Chain([...this.#silences, silence]);
    this.#longer.set(silence, chain);
    return chain;
  }

  at(now: number): readonly Spell[] {
    const claims = this.#silences.filter((silence) => silence.mayExcuse()).map((one) => one.claimAt(now));
    if (claims.length === 0) return NONE;
    // What is granted follows from the claims alone as long as none of them reaches up to now.
    const key = claims.map(({ fromAt, untilAt }) => `${fromAt} ${untilAt}`).join();
    if (this.#known?.key !== key) this.#known = { key, spells: granted(claims, now) };
    return this.#known.spells;
  }

  /** What was excused by what was known at `at`; the array of now when that is the same. */
  asOf(at: number, now: number): readonly Spell[] {
    const claims: Spell[] = [];
    let same = true;
    for (const silence of this.#silences) {
      const claim = silence.claimAt(now);
      if (claim.fromAt >= at) continue;
      const excused = silence.excusedAt(at);
      if (excused !== silence.mayExcuse()) same = false;
      if (excused) claims.push(claim);
    }
    if (same) return this.at(now);
    const key = claims.map(({ fromAt, untilAt }) => `${fromAt} ${untilAt}`).join();
    if (this.#knownThen?.key !== key) this.#knownThen = { key, spells: granted(claims, now) };
    return this.#knownThen.spells;
  }
}

export class Excuses {
  readonly #nothing = new Chain([]);
  readonly #chains = new Map<string, Chain>();

  add(silence: TrackedSilence): void {
    for (const { nodeId } of silence.carried)
      this.#chains.set(nodeId, (this.#chains.get(nodeId) ?? this.#nothing).with(silence));
  }

  /** The excused spells of each node at `now`, the same array while they are the same. */
  at(now: number): (nodeId: string) => readonly Spell[] {
    const known = new Map<Chain, readonly Spell[]>();
    return (nodeId) => {
      const chain = this.#chains.get(nodeId);
      if (chain === undefined) return NONE;
      const spells = known.get(chain) ?? chain.at(now);
      known.set(chain, spells);
      return spells;
    };
  }

  /** The excused spells of each node by what was known at `at`: they say nothing of the time after it. */
  asOf(now: number): (nodeId: string, at: number) => readonly Spell[] {
    return (nodeId, at) => this.#chains.get(nodeId)?.asOf(at, now) ?? NONE;
  }
}

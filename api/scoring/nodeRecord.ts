/** Everything that a node's own life and probes prove at one moment. */
import { DAY_SECONDS, HOUR_SECONDS, SCORING } from "./constants.ts";
import {
  addEvidence,
  aged,
  agedEvidence,
  type DayHours,
  type Evidence,
  foldDays,
  hoursNow,
  meanEvidence,
  NO_EVIDENCE,
  rollUp,
  upAndDown,
  type WorthSpell,
} from "./evidence.ts";
import {
  downSpells,
  expectedIntervalSeconds,
  type Life,
  type ObservedClock,
  observedClock,
  observedSeconds,
  type SignedGap,
} from "./observedTime.ts";
import type { Probe } from "./probes.ts";
import type { Spell } from "./spell.ts";

/** One node as the chain and the prober tell of it: what scoring starts from. */
export interface NodeHistory extends Life {
  readonly nodeId: string;
  /** Its operator. */
  readonly owner: string;
  /** Host of its endpoint, without the port; null when it has none. */
  readonly host: string | null;
  /** Port of its endpoint: a newer key of the owner at the same host and port supersedes this one. */
  readonly port: number | null;
  readonly paymentAddress: string | null;
  /** Where in the chain it was registered: decides between keys of one second. Absent: by their ids. */
  readonly position?: { readonly block: number; readonly logIndex: number } | undefined;
  /** Gaps that late heartbeats replaced: what was known until then. Absent without any. Any order. */
  readonly superseded?: readonly SignedGap[] | undefined;
  /** Its usable probes, in order of time. */
  readonly probes: readonly Probe[];
  /** What was folded before; gaps and probes that end before it may then be left out. Null when nothing was. */
  readonly folded: FoldedHistory | null;
}

/** A node's finished days, folded: equal to what its rows before that moment would give. */
export interface FoldedHistory {
  /** A UTC midnight: the days before it are in. */
  readonly before: number;
  readonly down: DayHours | null;
  readonly reached: DayHours | null;
  readonly unreached: DayHours | null;
  /** Hours with a latency, and the same times log2 of the latency. */
  readonly latency: DayHours | null;
  readonly latencyLog2: DayHours | null;
}

/** Mean latency is `log2Hours / hours`. */
export interface LatencyEvidence {
  readonly hours: number;
  readonly log2Hours: number;
}

export interface NodeRecord {
  readonly uptime: Evidence;
  readonly reachability: Evidence;
  readonly latency: LatencyEvidence;
}

export const EMPTY_RECORD: NodeRecord = {
  uptime: NO_EVIDENCE,
  reachability: NO_EVIDENCE,
  latency: { hours: 0, log2Hours: 0 },
};

/** Adds the time that a probe speaks for; probes of one worth that follow each other make one spell. */
function append(
  spells: { fromAt: number; untilAt: number; worth: number }[],
  probe: Probe,
  worth: number,
): void {
  const fromAt = probe.at - probe.coversSeconds;
  const last = spells.at(-1);
  if (last !== undefined && last.untilAt === fromAt && last.worth === worth) last.untilAt = probe.at;
  else spells.push({ fromAt, untilAt: probe.at, worth });
}

/** What a node's probes up to `now` speak for, in order of time; those that were folded are left out. */
export function probeSpells({ probes, folded }: NodeHistory, now: number) {
  const reached: WorthSpell[] = [];
  const unreached: WorthSpell[] = [];
  const latency: WorthSpell[] = [];
  const latencyLog2: WorthSpell[] = [];
  for (const probe of probes) {
    if (probe.at > now) break;
    if (folded !== null && probe.at <= folded.before) continue;
    append(probe.reached ? reached : unreached, probe, 1);
    if (probe.latencyLog2 === null) continue;
    append(latency, probe, 1);
    append(latencyLog2, probe, probe.latencyLog2);
  }
  return { reached, unreached, latency, latencyLog2 };
}

/**
 * Folds what lies before `before` into one row per kind of evidence, so that only younger rows are needed from then on.
 * @param before - a UTC midnight at or before `settledBefore`, or the clock's now.
 * @throws {RangeError} when it lies within the days that were folded before.
 */
export function foldHistory(history: NodeHistory, clock: ObservedClock, before: number): FoldedHistory {
  const { folded, registeredAt, nodeId } = history;
  if (folded !== null && folded.before > before)
    throw new RangeError(
      `node ${nodeId} is folded up to ${folded.before}: ask for a moment after it, or give the rows before it`,
    );
  const within = { fromAt: Math.max(folded?.before ?? registeredAt, registeredAt), untilAt: before };
  const fold = (earlier: DayHours | null | undefined, spells: readonly (Spell | WorthSpell)[]) =>
    foldDays(clock, earlier ?? null, spells.length === 0 ? [] : rollUp(clock, spells, within));
  const { reached, unreached, latency, latencyLog2 } = probeSpells(history, clock.now);
  return {
    before,
    down: fold(folded?.down, downSpells(history, clock)),
    reached: fold(folded?.reached, reached),
    unreached: fold(folded?.unreached, unreached),
    latency: fold(folded?.latency, latency),
    latencyLog2: fold(folded?.latencyLog2, latencyLog2),
  };
}

/** The UTC midnight before which no later heartbeat, silence or probe changes anything any more. */
export function settledBefore(now: number, maxAgeSeconds: number): number {
  // A silence is judged by its first day; what it excuses reaches an interval further, and it takes 1.5 to be one;
  // heartbeats may come a maxAge late.
  const latest =
    now - SCORING.excusedHours * HOUR_SECONDS - maxAgeSeconds - 4 * expectedIntervalSeconds(maxAgeSeconds);
  return Math.floor(latest / DAY_SECONDS) * DAY_SECONDS;
}

/** @param inherited - what it took over at its registration, see `inheritRecords`; it ages with the node's own clock. */
export function recordAt(history: NodeHistory, inherited: NodeRecord | null, now: number): NodeRecord {
  const clock = observedClock(history, now);
  const { down, reached, unreached, latency, latencyLog2 } = foldHistory(history, clock, now);
  return withInherited(
    {
      uptime: upAndDown(clock, hoursNow(clock, down)),
      reachability: { up: hoursNow(clock, reached), down: hoursNow(clock, unreached) },
      latency: { hours: hoursNow(clock, latency).slow, log2Hours: hoursNow(clock, latencyLog2).slow },
    },
    inherited,
    clock,
  );
}

/** A node's own record with what it inherited, aged since its registration. */
export const withInherited = (
  own: NodeRecord,
  inherited: NodeRecord | null,
  clock: ObservedClock,
): NodeRecord => (inherited === null ? own : addRecords(own, agedRecord(inherited, clock)));

const addRecords = (one: NodeRecord, other: NodeRecord): NodeRecord => ({
  uptime: addEvidence(one.uptime, other.uptime),
  reachability: addEvidence(one.reachability, other.reachability),
  latency: {
    hours: one.latency.hours + other.latency.hours,
    log2Hours: one.latency.log2Hours + other.latency.log2Hours,
  },
});

function agedRecord({ uptime, reachability, latency }: NodeRecord, clock: ObservedClock): NodeRecord {
  const seconds = observedSeconds(clock, clock.registeredAt, clock.now);
  return {
    uptime: agedEvidence(uptime, seconds),
    reachability: agedEvidence(reachability, seconds),
    latency: {
      hours: aged({ slow: latency.hours, fast: 0 }, seconds).slow,
      log2Hours: aged({ slow: latency.log2Hours, fast: 0 }, seconds).slow,
    },
  };
}

/** The mean of several records; that of none is empty. */
export function meanRecord(records: readonly NodeRecord[]): NodeRecord {
  if (records.length === 0) return EMPTY_RECORD;
  let hours = 0;
  let log2Hours = 0;
  for (const { latency } of records) {
    hours += latency.hours;
    log2Hours += latency.log2Hours;
  }
  const share = 1 / records.length;
  return {
    uptime: meanEvidence(records.map(({ uptime }) => uptime)),
    reachability: meanEvidence(records.map(({ reachability }) => reachability)),
    latency: { hours: hours * share, log2Hours: log2Hours * share },
  };
}

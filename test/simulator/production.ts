/**
 * Computes scores and shares from a recording with the production code: the indexer's rules for heartbeats, then everything in
 * api/scoring. A control run removes one defence, to show what it defends against.
 */
import {
  type Candidate,
  evidenceByOwner,
  excusedSpells,
  failedGates,
  type Gate,
  inheritRecords,
  isProbing,
  type NodeHistory,
  type NodeScore,
  type OpenSpell,
  type Probe,
  prepareSelection,
  recordAt,
  type SignedGap,
  scoreOf,
} from "../../api/scoring/index.ts";
import { type Heartbeat, type HeartbeatLog, readHeartbeats } from "./heartbeatLog.ts";
import { latencyLog2, type ProbeRound, roundMedianMs, usableRounds } from "./probeRounds.ts";
import { silencesOf } from "./silences.ts";
import {
  HOUR,
  isDisabled,
  MAX_AGE,
  type Recording,
  type RelayedHeartbeat,
  type SimulatedNode,
} from "./world.ts";

/** The defences that a control run may remove. All are active by default. */
export interface Defences {
  /** A signed second counts once, however often it is sent. */
  readonly distinctSeconds: boolean;
  /** Down from the first missed heartbeat on, not from the moment the contract drops a node. */
  readonly missedHeartbeats: boolean;
  /** Disabled time counts as unknown. */
  readonly unknownTime: boolean;
  /**
   * Who may excuse time: a relayer's silence, nobody, or, as one might have it, any relayer whatever its nodes did
   * elsewhere, or a majority of keys that are silent.
   */
  readonly excusing: "relayers" | "nobody" | "any relayer" | "silent majority";
  /** New keys inherit records. */
  readonly inheritance: boolean;
  /** The prober is on. */
  readonly probing: boolean;
  /** The registry's rules for signed times, and the clamp. */
  readonly signedTimes: "checked" | "any age" | "post-dated";
  /** Operators are owners, and do not grow together by a shared address or host. */
  readonly ownersApart: boolean;
  /** What others say about a node (leaves in their batches, payments, settlements) is no evidence about it. */
  readonly claimsIgnored: boolean;
}

const ALL: Defences = {
  distinctSeconds: true,
  missedHeartbeats: true,
  unknownTime: true,
  excusing: "relayers",
  inheritance: true,
  probing: true,
  signedTimes: "checked",
  ownersApart: true,
  claimsIgnored: true,
};

export interface ScoredNode {
  readonly node: SimulatedNode;
  readonly history: NodeHistory;
  readonly score: NodeScore;
  readonly gates: readonly Gate[];
  /** In the contract's own words. */
  readonly isActive: boolean;
}

/** Every node's state at `now`. */
export function scoreAll(
  recording: Recording,
  now: number,
  changes: Partial<Defences> = {},
): ReadonlyMap<string, ScoredNode> {
  const defences = { ...ALL, ...changes };
  const known = recording.nodes.filter(({ registeredAt }) => registeredAt <= now);
  const heartbeats = recording.heartbeats.filter(({ receivedAt }) => receivedAt <= now);
  const logs = readLogs(known, heartbeats, defences);
  const excused = excusedBy(known, heartbeats, logs, now, defences);
  const rounds = usableRounds(recording.rounds.filter(({ at }) => at <= now));
  const probes = probesByNode(known, rounds);
  const histories = known.map((one): NodeHistory => {
    const log = logs.get(one.nodeId);
    if (log === undefined) throw new Error(`${one.nodeId} has no heartbeat log`);
    const { nodeId, owner, host, paymentAddress, registeredAt, disabled } = one;
    return {
      nodeId,
      owner: defences.ownersApart ? owner : (paymentAddress ?? owner),
      host,
      port: 443,
      paymentAddress,
      registeredAt,
      gaps: defences.missedHeartbeats ? log.gaps : log.gaps.flatMap(contractGap),
      lastSignedAt: log.figures.lastSignedAt,
      lastMaxAgeSeconds: MAX_AGE,
      disabled: defences.unknownTime ? disabled : [],
      excused: excused.get(nodeId) ?? [],
      probes: [
        ...(probes.get(nodeId) ?? []),
        ...(defences.claimsIgnored ? [] : recording.claims.filter((claim) => claim.nodeId === nodeId)),
      ],
      folded: null,
    };
  });
  const inherited = inheritRecords(histories, { commonPayees: [], now });
  const probing = defences.probing && isProbing(rounds.at(-1)?.at ?? null, now);
  return new Map(
    histories.map((history, index) => {
      const { nodeId } = history;
      const one = known[index];
      const figures = logs.get(nodeId)?.figures;
      if (one === undefined || figures === undefined) throw new Error(`${nodeId} is not a node`);
      const taken = defences.inheritance ? (inherited.get(nodeId) ?? null) : null;
      const isActive = !isDisabled(one, now) && now - figures.lastHeartbeatAt <= MAX_AGE;
      const status = isDisabled(one, now) ? "disabled" : isActive ? "active" : "stale";
      return [
        nodeId,
        {
          node: one,
          history,
          score: scoreOf(recordAt(history, taken, now), probing),
          gates: failedGates({
            status,
            lastSignedAt: history.lastSignedAt,
            maxAgeSeconds: MAX_AGE,
            now,
            connectable: true,
            endpointProblem: null,
          }),
          isActive,
        },
      ];
    }),
  );
}

/** The nodes that pass every gate. */
export function candidatesOf(scored: ReadonlyMap<string, ScoredNode>): readonly Candidate[] {
  const all = [...scored.values()];
  const evidence = evidenceByOwner(all.map(({ history: { owner }, score: { nEff } }) => ({ owner, nEff })));
  return all
    .filter(({ gates }) => gates.length === 0)
    .map(({ history: { nodeId, owner, host }, score: { value, nEff } }) => ({
      nodeId,
      owner,
      host,
      score: value,
      nEff,
      operatorNEff: evidence.get(owner) ?? nEff,
    }));
}

/** Probability of being selected first, by node. */
export function sharesOf(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
  const selection = prepareSelection(candidates, "weighted");
  return new Map(
    selection.candidates.map(({ nodeId }, position) => [nodeId, selection.probabilities[position] ?? 0]),
  );
}

/** A gap as the contract's own rule has it: a node is active for `heartbeatMaxAge` after each heartbeat. */
function contractGap({ lastSignedAt, nextSignedAt, maxAgeSeconds }: SignedGap): readonly SignedGap[] {
  if (nextSignedAt - lastSignedAt <= maxAgeSeconds) return [];
  return [{ lastSignedAt: lastSignedAt + maxAgeSeconds / 2, nextSignedAt, maxAgeSeconds }];
}

function readLogs(
  known: readonly SimulatedNode[],
  heartbeats: readonly RelayedHeartbeat[],
  { distinctSeconds, signedTimes }: Defences,
): ReadonlyMap<string, HeartbeatLog> {
  const sent = new Map<string, RelayedHeartbeat[]>(known.map(({ nodeId }) => [nodeId, []]));
  for (const heartbeat of heartbeats) sent.get(heartbeat.nodeId)?.push(heartbeat);
  return new Map(
    known.map((one) => {
      const all = sent.get(one.nodeId) ?? [];
      // Without the defence, a heartbeat that the registry takes counts for when it came.
      const beats = distinctSeconds
        ? all
        : all
            .filter(({ signedAt, receivedAt }) => receivedAt - signedAt <= MAX_AGE)
            .map((beat) => ({ ...beat, signedAt: beat.receivedAt }));
      const enabledAt = (at: number) => !isDisabled(one, at);
      return [one.nodeId, readHeartbeats(one.registeredAt, beats, MAX_AGE, enabledAt, signedTimes)];
    }),
  );
}

function probesByNode(
  known: readonly SimulatedNode[],
  rounds: readonly ProbeRound[],
): ReadonlyMap<string, readonly Probe[]> {
  const probes = new Map<string, Probe[]>(known.map(({ nodeId }) => [nodeId, []]));
  const previousAt = new Map(known.map(({ nodeId, registeredAt }) => [nodeId, registeredAt]));
  for (const round of rounds) {
    const medianMs = roundMedianMs(round);
    for (const { nodeId, reached, latencyMs } of round.answers) {
      probes.get(nodeId)?.push({
        at: round.at,
        coversSeconds: Math.min(HOUR, round.at - (previousAt.get(nodeId) ?? round.at)),
        reached,
        latencyLog2: latencyLog2(latencyMs, medianMs),
      });
      previousAt.set(nodeId, round.at);
    }
  }
  return probes;
}

function excusedBy(
  known: readonly SimulatedNode[],
  heartbeats: readonly RelayedHeartbeat[],
  logs: ReadonlyMap<string, HeartbeatLog>,
  now: number,
  { excusing }: Defences,
): ReadonlyMap<string, readonly OpenSpell[]> {
  if (excusing === "nobody") return new Map();
  if (excusing === "silent majority") return silentMajority(known, logs, now);
  const operatorOf = new Map(known.map(({ nodeId, owner }) => [nodeId, owner]));
  const fresh = new Map([...logs].map(([nodeId, log]) => [nodeId, new Set(log.fresh.map(identity))]));
  const isFresh = (heartbeat: RelayedHeartbeat) =>
    fresh.get(heartbeat.nodeId)?.has(identity(heartbeat)) ?? false;
  const silences = silencesOf(heartbeats, operatorOf, isFresh, now);
  if (excusing === "relayers") return excusedSpells(silences, now);
  return excusedSpells(
    silences.map((silence) => ({ ...silence, operatorsAliveElsewhere: [] })),
    now,
  );
}

/** The first of several with one signed second is told from its repetitions by when it came. */
const identity = ({ signedAt, receivedAt }: Heartbeat): string =>
  `${Math.min(signedAt, receivedAt)} ${receivedAt}`;

/** For a control run: whenever more than half of all keys are silent, nobody is to blame. */
function silentMajority(
  known: readonly SimulatedNode[],
  logs: ReadonlyMap<string, HeartbeatLog>,
  now: number,
): ReadonlyMap<string, readonly OpenSpell[]> {
  const step = MAX_AGE / 2;
  const spells: OpenSpell[] = [];
  const first = Math.min(...known.map(({ registeredAt }) => registeredAt));
  for (let at = first; at < now; at += step) {
    const silent = known.filter(({ nodeId, registeredAt }) => {
      const log = logs.get(nodeId);
      if (log === undefined || registeredAt > at) return false;
      const open = log.figures.lastSignedAt + step < at;
      return open || log.gaps.some((gap) => gap.lastSignedAt + step < at && at < gap.nextSignedAt);
    });
    if (2 * silent.length > known.length) spells.push({ fromAt: at - step, untilAt: at + 2 * step });
  }
  return new Map(known.map(({ nodeId }) => [nodeId, spells]));
}

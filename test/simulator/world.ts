/** Simulates a network of nodes, relayers and a prober without a chain: the truth, and what others can observe of it. */
import type { OpenSpell, Probe } from "../../api/scoring/index.ts";

import type { Heartbeat } from "./heartbeatLog.ts";
import type { ProbeRound } from "./probeRounds.ts";
import { seededRandom } from "./random.ts";

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
/** A UTC midnight. */
export const START = 20_834 * DAY;
export const MAX_AGE = 1_800;
/** How old a heartbeat's signature is when its block comes, seconds. */
const SUBMISSION_SECONDS = 5;
const PROBE_PERIOD = 600;

export interface SimulatedNode {
  readonly nodeId: string;
  readonly owner: string;
  readonly host: string;
  readonly paymentAddress: string | null;
  readonly registeredAt: number;
  readonly disabled: readonly OpenSpell[];
  /** The truth. */
  readonly isUp: (at: number) => boolean;
  readonly relayer: string;
  /** The relayer comes to this node every so many seconds, first at `relayPhase` after START. */
  readonly relayPeriod: number;
  readonly relayPhase: number;
  /** Signed seconds that go out when the relayer comes at `at`; by default the newest one of a node that is up. */
  readonly signs: ((at: number) => readonly number[]) | null;
  readonly latencyMs: number;
}

export function node(nodeId: string, changes: Partial<SimulatedNode> = {}): SimulatedNode {
  return {
    nodeId,
    owner: `owner of ${nodeId}`,
    host: `${nodeId}.example`,
    paymentAddress: null,
    registeredAt: START,
    disabled: [],
    isUp: () => true,
    relayer: "facilitator",
    relayPeriod: MAX_AGE / 2,
    relayPhase: 0,
    signs: null,
    latencyMs: 100,
    ...changes,
  };
}

/** Several nodes alike, each its own operator, visited by the relayer one after the other. */
export const nodes = (
  count: number,
  name: string,
  changes: (index: number) => Partial<SimulatedNode> = () => ({}),
): readonly SimulatedNode[] =>
  Array.from({ length: count }, (_, index) =>
    node(`${name} ${String(index).padStart(2, "0")}`, { relayPhase: (index * 37) % 900, ...changes(index) }),
  );

export interface World {
  readonly nodes: readonly SimulatedNode[];
  /** When a relayer sends nothing. */
  readonly silent: (relayer: string, at: number) => boolean;
  readonly until: number;
  readonly seed: number;
}

export interface RelayedHeartbeat extends Heartbeat {
  readonly relayer: string;
  readonly nodeId: string;
}

/** A claim about a node, which a naive score might treat like a probe. */
export interface Claim extends Probe {
  readonly nodeId: string;
}

/** Everything that others can observe of a world. */
export interface Recording {
  readonly claims: readonly Claim[];
  readonly nodes: readonly SimulatedNode[];
  /** In order of blocks. */
  readonly heartbeats: readonly RelayedHeartbeat[];
  readonly rounds: readonly ProbeRound[];
}

export const isDisabled = ({ disabled }: Pick<SimulatedNode, "disabled">, at: number): boolean =>
  disabled.some(({ fromAt, untilAt }) => fromAt <= at && (untilAt === null || at < untilAt));

export function simulate({ nodes: all, silent, until, seed }: World): Recording {
  const heartbeats: RelayedHeartbeat[] = [];
  for (const one of all) {
    const { nodeId, relayer, relayPeriod, registeredAt } = one;
    const first = START + one.relayPhase;
    const skipped = Math.max(0, Math.ceil((registeredAt + 1 - first) / relayPeriod));
    for (let at = first + skipped * relayPeriod; at <= until; at += relayPeriod) {
      if (silent(relayer, at) || isDisabled(one, at)) continue;
      const signed = one.signs === null ? (one.isUp(at) ? [at - SUBMISSION_SECONDS] : []) : one.signs(at);
      for (const signedAt of signed) heartbeats.push({ signedAt, receivedAt: at, relayer, nodeId });
    }
  }
  heartbeats.sort(
    (one, other) =>
      one.receivedAt - other.receivedAt ||
      one.signedAt - other.signedAt ||
      (one.nodeId < other.nodeId ? -1 : 1),
  );
  return { nodes: all, heartbeats, rounds: probe(all, until, seed), claims: [] };
}

/** The prober asks everyone about every ten minutes, not at times that anyone could foresee. */
function probe(all: readonly SimulatedNode[], until: number, seed: number): readonly ProbeRound[] {
  const random = seededRandom(seed);
  const rounds: ProbeRound[] = [];
  for (let at = START; at <= until; at += Math.round(PROBE_PERIOD * (0.5 + random()))) {
    const asked = all.filter((one) => one.registeredAt < at && !isDisabled(one, at));
    rounds.push({
      at,
      answers: asked.map(({ nodeId, owner, isUp, latencyMs }) => {
        const reached = isUp(at);
        return {
          nodeId,
          operator: owner,
          answered: reached,
          reached,
          latencyMs: reached ? latencyMs : null,
        };
      }),
    });
  }
  return rounds;
}

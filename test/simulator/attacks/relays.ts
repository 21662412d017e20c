/** What a silent relayer excuses, and what only looks like one. */
import { attack, fixed } from "../attack.ts";
import { type Defences, type ScoredNode, scoreAll } from "../production.ts";
import { DAY, HOUR, node, nodes, type Recording, type SimulatedNode, START, simulate } from "../world.ts";
import { cycle, factorOf, get, worldOf } from "./heartbeats.ts";

type Changes = Partial<Defences>;

const OPERATORS = 12;
const SILENT_FROM = START + 10 * DAY;
const SILENT_UNTIL = SILENT_FROM + 2 * HOUR;

/** Operators told apart by an outage of theirs in the days before, the longer the higher their number. */
const troubled = (index: number): Partial<SimulatedNode> => {
  const from = START + DAY + index * HOUR;
  return { isUp: (at) => at < from || at >= from + index * 1_800 };
};

/** The relayer `silent` of some operators stops for two hours; their nodes do not. */
function outageOfRelayer(relayerOf: (index: number) => string, silent: string): Recording {
  const all = nodes(OPERATORS, "node", (index) => ({ ...troubled(index), relayer: relayerOf(index) }));
  return simulate({
    nodes: all,
    silent: (relayer, at) => relayer === silent && at > SILENT_FROM && at < SILENT_UNTIL,
    until: SILENT_UNTIL + DAY,
    seed: 1,
  });
}

const relayOutage = (name: string, relayerOf: (index: number) => string, silent: string) => {
  const recording = outageOfRelayer(relayerOf, silent);
  return attack<Changes>(
    name,
    "score at the end of the silence equals that at its start within 0.05 points; order unchanged",
    (changes) => {
      const scores = (now: number) =>
        [...scoreAll(recording, now, changes)].map(([nodeId, { score }]) => ({ nodeId, value: score.value }));
      const order = (all: ReturnType<typeof scores>) =>
        [...all]
          .sort((one, other) => other.value - one.value || (one.nodeId < other.nodeId ? -1 : 1))
          .map(({ nodeId }) => nodeId)
          .join();
      const before = scores(SILENT_FROM);
      const moments = [SILENT_UNTIL, SILENT_UNTIL + HOUR].map(scores);
      const moved = Math.max(
        ...(moments[0] ?? []).map(({ value }, index) => Math.abs(value - (before[index]?.value ?? 0))),
      );
      return {
        measured: `moved by at most ${fixed(moved, 3)} points`,
        holds: moved <= 0.05 && moments.every((after) => order(after) === order(before)),
      };
    },
    {},
    [["excused time", { excusing: "nobody" }]],
  );
};

export const relayDown = [
  relayOutage("relay down 2 h for all", () => "facilitator", "facilitator"),
  relayOutage(
    "relay down 2 h for all but one self-relaying operator",
    (index) => (index === 0 ? "itself" : "facilitator"),
    "facilitator",
  ),
  relayOutage(
    "relay down 2 h for a relayer that carries 40 % of operators",
    (index) => (index < 5 ? "second" : "facilitator"),
    "second",
  ),
];

const TRUTH = 0.8;
const SWITCHED = cycle(4 * HOUR, HOUR);
const attackers = (count: number, changes: Partial<SimulatedNode>) =>
  nodes(count, "attacker", () => ({ owner: "attacker", ...changes }));
const honest = nodes(8, "honest", (index) => ({ relayPhase: (index * 91) % 900 }));

const switchedOff = (name: string, ...others: readonly SimulatedNode[]) => {
  // The last of four hours up, so that the attacker's keys are not in the middle of an outage.
  const now = START + 7 * DAY;
  const attacked = worldOf(now, ...honest, ...attackers(12, { isUp: SWITCHED }), ...others);
  const calm = worldOf(now, ...honest, ...attackers(12, {}));
  return attack<Changes>(
    name,
    "no time excused; attacker's factor within 0.07 below its truth, the others' as without it",
    (changes) => {
      const scored = scoreAll(attacked, now, changes);
      const excused = [...scored.values()].filter(({ history }) => history.excused.length > 0).length;
      const { value } = factorOf(get(scored, "attacker 00"), "uptime");
      const factors = (all: ReadonlyMap<string, ScoredNode>) =>
        honest.map(({ nodeId }) => factorOf(get(all, nodeId), "uptime").value);
      const unmoved = factors(scored).join() === factors(scoreAll(calm, now, changes)).join();
      return {
        measured: `${excused} nodes excused; attacker's factor ${fixed(value, 3)} at ${TRUTH}; the others' ${unmoved ? "unchanged" : "changed"}`,
        holds: excused === 0 && value <= TRUTH && value >= TRUTH - 0.07 && unmoved,
      };
    },
    {},
    [["looking at relayers instead of keys", { excusing: "silent majority" }]],
  );
};

export const majorities = [
  switchedOff("a majority of keys switched off together"),
  switchedOff(
    "the same with more abandoned than live keys",
    ...nodes(40, "abandoned", () => ({ owner: "abandoner", isUp: (at) => at < START + HOUR })),
  ),
];

/** An operator that relays for itself, and repeats everybody's heartbeats so that it seems to carry them, goes silent. */
const pretender = (() => {
  const now = START + 7 * DAY;
  const own = node("pretender", { isUp: SWITCHED, relayer: "pretender" });
  const recording = worldOf(now, own, ...honest);
  const repeats = recording.heartbeats
    .filter(({ nodeId, receivedAt }) => nodeId.startsWith("honest") && SWITCHED(receivedAt + 60))
    .map((beat) => ({ ...beat, receivedAt: beat.receivedAt + 60, relayer: "pretender" }));
  const heartbeats = [...recording.heartbeats, ...repeats].sort(
    (one, other) => one.receivedAt - other.receivedAt || (one.nodeId < other.nodeId ? -1 : 1),
  );
  return { now, recording: { ...recording, heartbeats } };
})();

export const pretending = attack<Changes>(
  "a self-relaying operator repeats everybody's heartbeats and goes silent when its node fails",
  "no time excused",
  (changes) => {
    const scored = scoreAll(pretender.recording, pretender.now, changes);
    const excused = [...scored.values()].filter(({ history }) => history.excused.length > 0).length;
    return { measured: `${excused} nodes excused`, holds: excused === 0 };
  },
  {},
  [["asking who was alive through others", { excusing: "any relayer" }]],
);

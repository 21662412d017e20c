/**
 * What scoring and one selection cost in process, without a database: 10,000 nodes of 500 operators with 90 days behind
 * them, one in ten flapping every hour (2,160 outages), one in four with ten outages. Run with `tsx bench/select/scoring.ts`.
 */
import {
  type Candidate,
  draw,
  foldHistory,
  inheritRecords,
  type NodeHistory,
  observedClock,
  prepareSelection,
  recordAt,
  scoreOf,
  settledBefore,
} from "../../api/scoring/index.ts";

const NODES = 10_000;
const OPERATORS = 500;
const DAYS = 90;
const HOUR = 3_600;
const DAY = 24 * HOUR;
const MAX_AGE = 1_800;
const NOW = 1_800_000_000;
const RUNS = 5;

const outages = (count: number) =>
  Array.from({ length: count }, (_, index) => {
    const lastSignedAt = NOW - DAYS * DAY + Math.floor((index * DAYS * DAY) / count);
    return { lastSignedAt, nextSignedAt: lastSignedAt + 2_400, maxAgeSeconds: MAX_AGE };
  });
const FLAPPING = outages(DAYS * 24);
const TROUBLED = outages(10);

const histories = Array.from({ length: NODES }, (_, index): NodeHistory => {
  const flapping = index % 10 === 0;
  const troubled = index % 4 === 1;
  return {
    nodeId: `0x${index.toString(16).padStart(64, "0")}`,
    owner: `0x${(index % OPERATORS).toString(16).padStart(40, "0")}`,
    host: `node-${index}.example`,
    paymentAddress: null,
    registeredAt: NOW - DAYS * DAY,
    gaps: flapping ? FLAPPING : troubled ? TROUBLED : [],
    lastSignedAt: NOW - (index % 900),
    lastMaxAgeSeconds: MAX_AGE,
    disabled: [],
    excused: index % 50 === 0 ? [{ fromAt: NOW - 3 * DAY, untilAt: NOW - 3 * DAY + 2 * HOUR }] : [],
    probes: [],
    folded: null,
  };
});

/** Milliseconds of the fastest run. */
function fastest(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    work();
    best = Math.min(best, performance.now() - startedAt);
  }
  return best;
}

const report = (label: string, value: number, unit: string) =>
  console.log(`${label.padEnd(64)} ${value.toFixed(1).padStart(8)} ${unit}`);

const settings = { commonPayees: [], now: NOW };
const scoreAll = (nodes: readonly NodeHistory[]) => {
  const inherited = inheritRecords(nodes, settings);
  return nodes.map((node) => scoreOf(recordAt(node, inherited.get(node.nodeId) ?? null, NOW), true));
};

const before = settledBefore(NOW, MAX_AGE);
const folded = histories.map((history) => ({
  ...history,
  gaps: history.gaps.filter((gap) => gap.nextSignedAt > before),
  folded: foldHistory(history, observedClock(history, NOW), before),
}));

report(
  "score 10,000 nodes, every outage of 90 days at hand",
  fastest(() => scoreAll(histories)),
  "ms",
);
report(
  "score 10,000 nodes, finished days folded",
  fastest(() => scoreAll(folded)),
  "ms",
);

const scores = scoreAll(histories);
const candidates = histories.map(({ nodeId, owner, host }, index): Candidate => {
  const score = scores[index];
  if (score === undefined) throw new Error(`node ${index} has no score`);
  return { nodeId, owner, host, score: score.value, nEff: score.nEff, operatorNEff: score.nEff };
});
report(
  "prepare a selection of 10,000 nodes",
  fastest(() => prepareSelection(candidates, "weighted")),
  "ms",
);
const selection = prepareSelection(candidates, "weighted");
for (const count of [1, 3, 20]) {
  const draws = 20_000;
  let seed = 0;
  const ms = fastest(() => {
    for (let index = 0; index < draws; index++) draw(selection, `seed ${seed++}`, count);
  });
  report(`draw ${count} of 10,000 nodes`, (ms * 1_000) / draws, "µs");
}

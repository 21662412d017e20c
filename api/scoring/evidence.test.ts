import fc from "fast-check";
import { expect, test } from "vitest";
import { historyOf, rawHistories } from "../../test/simulator/arbitraryHistory.ts";
import { foldHistory, type NodeHistory, observedClock, recordAt, settledBefore } from "./index.ts";
import { NodePast } from "./nodePast.ts";

const HOUR = 3_600;
const DAY = 86_400;
const MAX_AGE = 1_800;

/** Gauss–Legendre on five points: exact to degree nine. */
const NODES = [
  [0, 128 / 225],
  [Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3, (322 + 13 * Math.sqrt(70)) / 900],
  [Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3, (322 - 13 * Math.sqrt(70)) / 900],
].flatMap(([x = 0, weight = 0]) =>
  x === 0
    ? [[0, weight]]
    : [
        [x, weight],
        [-x, weight],
      ],
);

/** ∫ 2^(−x/H) over ages from `young` to `old` seconds, numerically, in hours. */
function integrate(young: number, old: number, halfLifeHours: number): number {
  const pieces = Math.ceil((old - young) / HOUR);
  let hours = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const from = young + piece * HOUR;
    const half = (Math.min(old, from + HOUR) - from) / 2;
    for (const [x = 0, weight = 0] of NODES)
      hours += (weight * half * 2 ** (-(from + half + half * x) / HOUR / halfLifeHours)) / HOUR;
  }
  return hours;
}

/** Up and down hours, straight from the definition: unknown time is cut out of the axis, then each gap is looked at. */
function bruteForce(
  raw: { registeredAt: number; now: number; signed: readonly number[] },
  history: NodeHistory,
  halfLife: number,
) {
  const { registeredAt, now } = raw;
  const unknown = [...history.disabled, ...history.excused];
  const edges = [
    ...new Set([registeredAt, now, ...unknown.flatMap(({ fromAt, untilAt }) => [fromAt, untilAt ?? now])]),
  ]
    .map((at) => Math.min(now, Math.max(registeredAt, at)))
    .sort((one, other) => one - other);
  const isUnknown = (at: number) =>
    unknown.some(({ fromAt, untilAt }) => fromAt <= at && at < (untilAt ?? now));
  /** Position on the axis without unknown time. */
  const observed = (at: number) => {
    let seconds = 0;
    for (const [index, from] of edges.entries()) {
      const to = Math.min(at, edges[index + 1] ?? now);
      if (to > from && !isUnknown(from)) seconds += to - from;
    }
    return seconds;
  };
  const marks = [registeredAt, ...raw.signed, now]
    .filter((at) => at <= now)
    .sort((one, other) => one - other);
  const end = observed(now);
  let up = 0;
  let down = 0;
  for (const [index, at] of marks.entries()) {
    const next = marks[index + 1];
    if (next === undefined) break;
    const [from, to] = [observed(at), observed(next)];
    const good = to - from <= 1_350 ? to : from + 900;
    up += integrate(end - good, end - from, halfLife);
    down += integrate(end - to, end - good, halfLife);
  }
  return { up, down };
}

test("slow and fast evidence equal a numeric integral of the definition", () => {
  fc.assert(
    fc.property(rawHistories(), (raw) => {
      const history = historyOf(raw);
      const { uptime } = recordAt(history, null, raw.now);
      const slow = bruteForce(raw, history, 168);
      const fast = bruteForce(raw, history, 6);
      expect(Math.abs(uptime.up.slow - slow.up)).toBeLessThan(1e-9);
      expect(Math.abs(uptime.down.slow - slow.down)).toBeLessThan(1e-9);
      expect(Math.abs(uptime.up.fast - fast.up)).toBeLessThan(1e-9);
      expect(Math.abs(uptime.down.fast - fast.down)).toBeLessThan(1e-9);
    }),
    { numRuns: 150 },
  );
});

/** Seconds after the first midnight, many of them shortly after one: when yesterday looks finished and is not. */
const looks = fc
  .tuple(fc.nat(12), fc.oneof(fc.nat(HOUR), fc.nat(DAY)))
  .map(([days, seconds]) => days * DAY + seconds);

test("days folded before give the same bytes as all rows at once", () => {
  fc.assert(
    fc.property(rawHistories(), fc.array(looks, { maxLength: 5 }), (raw, afterMidnight) => {
      const history = historyOf(raw);
      const whole = recordAt(history, null, raw.now);
      let stepwise: NodeHistory = history;
      const midnight = Math.floor(raw.registeredAt / DAY) * DAY;
      const moments = afterMidnight.map((after) => midnight + after).filter((at) => at <= raw.now);
      for (const moment of [...moments.sort((one, other) => one - other), raw.now]) {
        const before = settledBefore(moment, MAX_AGE);
        if (before < (stepwise.folded?.before ?? raw.registeredAt)) continue;
        const folded = foldHistory(stepwise, observedClock(history, moment), before);
        stepwise = {
          ...history,
          folded,
          gaps: history.gaps.filter((gap) => gap.nextSignedAt > before),
          probes: history.probes.filter((probe) => probe.at > before),
        };
      }
      expect(recordAt(stepwise, null, raw.now)).toEqual(whole);
    }),
    { numRuns: 400 },
  );
});

test("a past prepared once gives the same bytes at seconds that the node signed", () => {
  fc.assert(
    fc.property(rawHistories(), (raw) => {
      const history = historyOf(raw);
      const past = new NodePast(history, raw.now);
      for (const at of raw.signed.filter((_, index) => index % 7 === 0))
        expect(past.recordAt(at, null).uptime).toEqual(recordAt(history, null, at).uptime);
      // Unless a probe speaks for time on both sides, which a past knows and a moment does not.
      expect(past.recordAt(raw.now, null)).toEqual(recordAt(history, null, raw.now));
    }),
    { numRuns: 150 },
  );
});

test("a question about a moment within folded days is refused", () => {
  const [raw] = fc.sample(rawHistories(), 1);
  if (raw === undefined) throw new Error("fast-check gave no sample");
  const history = {
    ...historyOf(raw),
    folded: { before: raw.now, down: null, reached: null, unreached: null, latency: null, latencyLog2: null },
  };
  expect(() => recordAt(history, null, raw.now - 1)).toThrow(RangeError);
  expect(() => new NodePast(history, raw.now).recordAt(raw.now - 1, null)).toThrow(RangeError);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { historyOf, type RawHistory, rawHistories } from "../../test/simulator/arbitraryHistory.ts";
import {
  betaQuantile,
  type NodeHistory,
  type NodeScore,
  recordAt,
  scoreOf,
  settledBefore,
  toScore,
} from "./index.ts";

const HOUR = 3_600;
const DAY = 86_400;

const scoreAt = (history: NodeHistory, now: number): NodeScore => scoreOf(recordAt(history, null, now), true);

/** Quantiles are computed to about 1e-8. */
const NUMERIC = 1e-7;

function expectNowhereLower(after: NodeScore, before: NodeScore, names: readonly string[]) {
  for (const { name, value } of before.factors) {
    if (!names.includes(name) || value === null) continue;
    const now = after.factors.find((factor) => factor.name === name)?.value ?? 0;
    expect(now, name).toBeGreaterThanOrEqual(value - NUMERIC);
  }
}

test("one more heartbeat never lowers a factor", () => {
  fc.assert(
    fc.property(rawHistories(), fc.double({ min: 0, max: 1, noNaN: true }), (raw, where) => {
      const extra = Math.round(raw.registeredAt + where * (raw.now - raw.registeredAt));
      const before = scoreAt(historyOf(raw), raw.now);
      const after = scoreAt(historyOf({ ...raw, signed: [...raw.signed, extra] }), raw.now);
      expectNowhereLower(after, before, ["uptime", "reachability", "latency"]);
    }),
    { numRuns: 300 },
  );
});

test("one more successful probe never lowers a factor, unless it was slow", () => {
  fc.assert(
    fc.property(rawHistories(), fc.double({ min: 0, max: 1, noNaN: true }), (raw, where) => {
      const at = Math.round(raw.registeredAt + where * (raw.now - raw.registeredAt));
      const before = scoreAt(historyOf(raw), raw.now);
      const probed = [...raw.probed, { at, reached: true, latencyLog2: -1 }];
      const after = scoreAt(historyOf({ ...raw, probed }), raw.now);
      expectNowhereLower(after, before, ["uptime", "reachability", "latency"]);
    }),
    { numRuns: 300 },
  );
});

test("the order of heartbeats, probes and spells changes nothing", () => {
  const shuffled = (raw: RawHistory) =>
    fc.record({
      raw: fc.constant(raw),
      signed: fc.shuffledSubarray([...raw.signed], { minLength: raw.signed.length }),
      probed: fc.shuffledSubarray([...raw.probed], { minLength: raw.probed.length }),
      disabled: fc.shuffledSubarray([...raw.disabled], { minLength: raw.disabled.length }),
      excused: fc.shuffledSubarray([...raw.excused], { minLength: raw.excused.length }),
    });
  fc.assert(
    fc.property(rawHistories().chain(shuffled), ({ raw, ...order }) => {
      expect(scoreAt(historyOf({ ...raw, ...order }), raw.now)).toEqual(scoreAt(historyOf(raw), raw.now));
    }),
  );
});

const bare: NodeHistory = {
  nodeId: "0x01",
  owner: "0xa1",
  host: null,
  port: null,
  paymentAddress: null,
  registeredAt: 0,
  gaps: [],
  lastSignedAt: 0,
  lastMaxAgeSeconds: 1_800,
  disabled: [],
  excused: [],
  probes: [],
  folded: null,
};

test.each([0, 1, 1_000_000_000])("figures are finite %d seconds after registration", (seconds) => {
  const silent = bare;
  const steady = { ...bare, lastSignedAt: seconds };
  const unknown = { ...bare, disabled: [{ fromAt: 0, untilAt: null }] };
  const probed = {
    ...steady,
    probes: [{ at: seconds, coversSeconds: Math.min(seconds, HOUR), reached: false, latencyLog2: null }],
  };
  for (const history of [silent, steady, unknown, probed]) {
    const score = scoreAt(history, seconds);
    const { value, low, high, nEff, factors } = score;
    for (const figure of [value, low, high, nEff]) expect(figure).toSatisfy(Number.isFinite);
    expect(low).toBeLessThanOrEqual(value);
    expect(high).toBeGreaterThanOrEqual(value);
    expect(nEff).toBeLessThanOrEqual(168 / Math.LN2 + NUMERIC);
    for (const factor of factors) {
      expect(factor.value).toBeGreaterThan(0);
      expect(factor.value).toBeLessThanOrEqual(1);
      expect([null, 0, 1]).toContain(factor.observed === null ? null : Math.round(factor.observed));
    }
  }
});

test("a node without evidence has the prior and no observed share", () => {
  const { factors, nEff } = scoreAt(bare, 0);
  expect(nEff).toBe(0);
  expect(factors.map(({ observed }) => observed)).toEqual([null, null, null]);
  expect(factors[0]?.value).toBeCloseTo(betaQuantile(0.05, 9.5, 0.5), 12);
  expect(factors[2]?.value).toBe(0.9);
});

test("when nobody probes, uptime alone counts and the factors say so", () => {
  const history = { ...bare, lastSignedAt: 100 * HOUR };
  const { value, factors } = scoreOf(recordAt(history, null, 100 * HOUR), false);
  expect(factors.map(({ weight }) => weight)).toEqual([1, 0, 0]);
  expect(factors.map((factor) => factor.value === null)).toEqual([false, true, true]);
  expect(value).toBe(toScore(100 * (factors[0]?.value ?? 0)));
});

test("1 of 1 perfect is worth less than 990 of 1000", () => {
  expect(betaQuantile(0.05, 9.5 + 1, 0.5)).toBeLessThan(0.85);
  expect(betaQuantile(0.05, 9.5 + 990, 0.5 + 10)).toBeGreaterThan(0.98);
});

test("quantiles agree with published values", () => {
  // BETA.INV of a spreadsheet, and the closed forms of Beta(a, 1) and Beta(1, b).
  expect(betaQuantile(0.05, 9.5, 0.5)).toBeCloseTo(0.8126343, 7);
  expect(betaQuantile(0.05, 7, 1)).toBeCloseTo(0.05 ** (1 / 7), 8);
  expect(betaQuantile(0.95, 1, 30)).toBeCloseTo(1 - 0.05 ** (1 / 30), 8);
});

test("scores are rounded to four decimals and stay within 0 to 100", () => {
  expect(toScore(12.345_678)).toBe(12.3457);
  for (const value of [Number.NaN, -0.001, 100.1]) expect(() => toScore(value)).toThrow(RangeError);
});

test("a day is settled when a silence that began at its end has been judged", () => {
  const midnight = 20_000 * DAY;
  const settled = midnight + DAY + 3 * 1_800;
  expect(settledBefore(settled, 1_800)).toBe(midnight);
  expect(settledBefore(settled - 1, 1_800)).toBe(midnight - DAY);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { missedHeartbeats, type SigningHistory } from "./missedHeartbeats.ts";

const T0 = 1_800_000_000;
const AGE = 1_800;
const INTERVAL = AGE / 2;

const silentSince = (lastSignedAt: number, change: Partial<SigningHistory> = {}): SigningHistory => ({
  gaps: [],
  lastSignedAt,
  lastMaxAgeSeconds: AGE,
  disabled: [],
  ...change,
});
const everything = (history: SigningHistory, now: number) =>
  missedHeartbeats(history, now, [{ from: null, to: now + 1 }])[0];

describe("a gap", () => {
  test("misses none up to 1.5 intervals, then one more with each interval", () => {
    expect(everything(silentSince(T0), T0)).toBe(0);
    expect(everything(silentSince(T0), T0 + 1.5 * INTERVAL)).toBe(0);
    expect(everything(silentSince(T0), T0 + 1.5 * INTERVAL + 1)).toBe(1);
    expect(everything(silentSince(T0), T0 + 2.5 * INTERVAL)).toBe(1);
    expect(everything(silentSince(T0), T0 + 2.5 * INTERVAL + 1)).toBe(2);
  });

  test("counts each at the second it was due", () => {
    const now = T0 + 10 * INTERVAL;
    const ranges = [T0, T0 + INTERVAL, T0 + INTERVAL + 1].map((from) => ({ from, to: from + 1 }));
    expect(missedHeartbeats(silentSince(T0), now, ranges)).toEqual([0, 1, 0]);
  });

  test("nothing is due while the node is disabled, and the interval goes on afterwards", () => {
    const disabled = [{ fromAt: T0 + 600, untilAt: T0 + 600 + 100 * INTERVAL }];
    const back = T0 + 600 + 100 * INTERVAL;
    expect(everything(silentSince(T0, { disabled }), back + 1.5 * INTERVAL - 600)).toBe(0);
    expect(everything(silentSince(T0, { disabled }), back + 1.5 * INTERVAL - 599)).toBe(1);
    const forever = [{ fromAt: T0 + 600, untilAt: null }];
    expect(everything(silentSince(T0, { disabled: forever }), back)).toBe(0);
  });

  test("an age of zero expects one a minute, the largest one a day", () => {
    const missed = (lastMaxAgeSeconds: number, seconds: number) =>
      everything(silentSince(T0, { lastMaxAgeSeconds }), T0 + seconds);
    expect([90, 91, 150, 151].map((seconds) => missed(0, seconds))).toEqual([0, 1, 1, 2]);
    expect([129_600, 129_601].map((seconds) => missed(Number.MAX_SAFE_INTEGER, seconds))).toEqual([0, 1]);
  });
});

/** Second by second: an observed second passes when the node is not disabled. */
function bruteForce(
  history: SigningHistory,
  now: number,
  range: { readonly from: number | null; readonly to: number },
): number {
  const isDisabled = (at: number) =>
    history.disabled.some(({ fromAt, untilAt }) => fromAt <= at && (untilAt === null || at < untilAt));
  let missed = 0;
  const gaps = [
    ...history.gaps,
    {
      lastSignedAt: history.lastSignedAt,
      nextSignedAt: now,
      maxAgeSeconds: history.lastMaxAgeSeconds,
    },
  ];
  for (const { lastSignedAt, nextSignedAt, maxAgeSeconds } of gaps) {
    const interval = Math.max(60, maxAgeSeconds / 2);
    let observed = 0;
    let left = 0;
    for (let at = lastSignedAt; at < nextSignedAt; at++) if (!isDisabled(at)) left++;
    for (let at = lastSignedAt; at < nextSignedAt; at++) {
      if (isDisabled(at)) continue;
      // what falls due in [observed, observed + 1)
      for (let due = 1; due * interval < observed + 1; due++) {
        if (due * interval < observed || left - due * interval <= interval / 2) continue;
        if ((range.from === null || at >= range.from) && at < range.to) missed++;
      }
      observed++;
    }
  }
  return missed;
}

describe("any history", () => {
  const history = fc
    .record({
      steps: fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 0, max: 250 })), {
        minLength: 1,
        maxLength: 8,
      }),
      switches: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 7 }),
      rest: fc.integer({ min: 0, max: 600 }),
    })
    .map(({ steps, switches, rest }) => {
      const gaps: { lastSignedAt: number; nextSignedAt: number; maxAgeSeconds: number }[] = [];
      let at = 0;
      for (const [wait, maxAgeSeconds] of steps) {
        gaps.push({ lastSignedAt: at, nextSignedAt: at + wait, maxAgeSeconds });
        at += wait;
      }
      const disabled: { fromAt: number; untilAt: number | null }[] = [];
      let switched = 0;
      for (const [index, wait] of switches.entries()) {
        switched += wait;
        if (index % 2 === 0) disabled.push({ fromAt: switched, untilAt: null });
        else {
          const last = disabled.at(-1);
          if (last !== undefined) last.untilAt = switched;
        }
      }
      const maxAgeSeconds = gaps.at(-1)?.maxAgeSeconds ?? 1;
      const life: SigningHistory = { gaps, lastSignedAt: at, lastMaxAgeSeconds: maxAgeSeconds, disabled };
      return { life, now: at + rest };
    });

  test("counts what stepping through its seconds counts, and neighbours add up", () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(3_500), { minLength: 2, maxLength: 5 }), ({ life, now }, cuts) => {
        const edges = [...cuts].sort((a, b) => a - b).map((cut) => Math.min(cut, now + 1));
        const ranges = edges.slice(1).map((to, index) => ({ from: edges[index] ?? 0, to }));
        // A range that begins or ends in disabled time sees what was due at its beginning as due after it.
        const plain = ranges.filter(({ from, to }) =>
          [from, to].every(
            (edge) =>
              !life.disabled.some(
                ({ fromAt, untilAt }) => fromAt <= edge && (untilAt === null || edge <= untilAt),
              ),
          ),
        );
        expect(missedHeartbeats(life, now, plain)).toEqual(
          plain.map((range) => bruteForce(life, now, range)),
        );
        const [first, last] = [edges[0] ?? 0, edges.at(-1) ?? 0];
        const sum = missedHeartbeats(life, now, ranges).reduce((a, b) => a + b, 0);
        expect([sum]).toEqual(missedHeartbeats(life, now, [{ from: first, to: last }]));
        const all = missedHeartbeats(life, now, [{ from: null, to: now + 1 }])[0];
        expect(all).toBe(bruteForce(life, now, { from: null, to: now + 1 }));
      }),
      { numRuns: 500 },
    );
  });
});

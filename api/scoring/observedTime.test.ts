import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isOverdue,
  MAX_INTERVAL_SECONDS,
  MIN_INTERVAL_SECONDS,
  twiceExpectedInterval,
} from "../../src/decode/expectedInterval.ts";
import { SCORING } from "./constants.ts";
import { isSilence } from "./excused.ts";
import {
  downSpells,
  expectedIntervalSeconds,
  isStopped,
  type Life,
  observedClock,
  observedSeconds,
} from "./observedTime.ts";

const MAX_AGE = 1_800;
const life = (changes: Partial<Life>): Life => ({
  registeredAt: 0,
  gaps: [],
  lastSignedAt: 0,
  lastMaxAgeSeconds: MAX_AGE,
  disabled: [],
  excused: [],
  ...changes,
});
const downAt = (node: Life, now: number) => downSpells(node, observedClock(node, now));
const gap = (lastSignedAt: number, nextSignedAt: number) => ({
  lastSignedAt,
  nextSignedAt,
  maxAgeSeconds: MAX_AGE,
});

test("a gap of 1.5 I is up, a longer one is down but for its first I", () => {
  expect(downAt(life({}), 1_350)).toEqual([]);
  expect(downAt(life({}), 1_351)).toEqual([{ fromAt: 900, untilAt: 1_351 }]);
  expect(downAt(life({ gaps: [gap(0, 1_350)], lastSignedAt: 1_350 }), 2_000)).toEqual([]);
});

test("k missed heartbeats cost k times I", () => {
  for (const missed of [1, 2, 5]) {
    const back = (missed + 1) * 900;
    const [spell] = downAt(life({ gaps: [gap(0, back)], lastSignedAt: back }), back);
    expect((spell?.untilAt ?? 0) - (spell?.fromAt ?? 0)).toBe(missed * 900);
  }
});

test("a gap is measured in observed time: being disabled is no outage", () => {
  const disabled = [{ fromAt: 100, untilAt: 50_000 }];
  // 100 s before and 500 s after being disabled.
  expect(downAt(life({ gaps: [gap(0, 50_500)], lastSignedAt: 50_500, disabled }), 50_500)).toEqual([]);
  // Back, but silent: down from 800 s after it was enabled on.
  expect(downAt(life({ disabled }), 52_000)).toEqual([{ fromAt: 50_800, untilAt: 52_000 }]);
});

test("an outage pauses while the node is disabled", () => {
  const node = life({ disabled: [{ fromAt: 10_000, untilAt: 100_000 }] });
  const clock = observedClock(node, 110_000);
  const seconds = downSpells(node, clock).reduce(
    (total, { fromAt, untilAt }) => total + observedSeconds(clock, fromAt, untilAt),
    0,
  );
  expect(seconds).toBe(10_000 - 900 + 10_000);
});

test("I is half of heartbeatMaxAge within a minute and a day", () => {
  const intervals = [0, 1, 120, 121, 1_800, 172_800, 172_801, Number.MAX_SAFE_INTEGER, 2 ** 256].map(
    expectedIntervalSeconds,
  );
  expect(intervals).toEqual([60, 60, 60, 60.5, 900, 86_400, 86_400, 86_400, 86_400]);
});

test("the indexer, the queries and the score agree on I and on what is too long, for any age", () => {
  expect([SCORING.leastIntervalSeconds, SCORING.mostIntervalSeconds]).toEqual([
    MIN_INTERVAL_SECONDS,
    MAX_INTERVAL_SECONDS,
  ]);
  const ages = fc.oneof(
    fc.constantFrom(0, 1, 119, 120, 121, 172_799, 172_800, 172_801, Number.MAX_SAFE_INTEGER),
    fc.nat(200_000),
  );
  fc.assert(
    fc.property(ages, fc.nat(200_000), fc.integer({ min: -2, max: 2 }), (age, any, near) => {
      expect(2 * expectedIntervalSeconds(age)).toBe(twiceExpectedInterval(age));
      const limit = Math.floor(1.5 * expectedIntervalSeconds(age));
      for (const seconds of [any, Math.max(0, limit + near)]) {
        const isDown = downAt(life({ lastMaxAgeSeconds: age }), seconds).length > 0;
        expect([isDown, isSilence(seconds, age)]).toEqual([isOverdue(seconds, age), isOverdue(seconds, age)]);
      }
    }),
  );
});

test("overlapping unknown spells count once", () => {
  const node = life({
    disabled: [
      { fromAt: 500, untilAt: 700 },
      { fromAt: 100, untilAt: 600 },
    ],
    excused: [{ fromAt: 650, untilAt: null }],
  });
  expect(observedSeconds(observedClock(node, 1_000), 0, 1_000)).toBe(100);
});

test("a change of heartbeatMaxAge judges each gap by the value at its beginning", () => {
  const gaps = [{ lastSignedAt: 0, nextSignedAt: 1_000, maxAgeSeconds: 600 }];
  expect(downAt(life({ gaps, lastSignedAt: 1_000 }), 2_000)).toEqual([{ fromAt: 300, untilAt: 1_000 }]);
});

test("a key is stopped while disabled and once its silence is longer than 1.5 I", () => {
  const node = life({
    gaps: [gap(1_000, 5_000)],
    lastSignedAt: 9_000,
    disabled: [{ fromAt: 6_000, untilAt: 7_000 }],
  });
  const stopped = (at: number, now: number) => isStopped(node, observedClock(node, now), at);
  expect([500, 2_350, 2_351, 4_999, 5_000, 6_500, 8_000].map((at) => stopped(at, 9_000))).toEqual([
    false,
    false,
    true,
    true,
    false,
    true,
    false,
  ]);
  // What becomes known later changes nothing.
  expect([9_200, 20_000].map((now) => stopped(9_100, now))).toEqual([false, false]);
  expect([10_351, 20_000].map((now) => stopped(10_351, now))).toEqual([true, true]);
});

test("a moment before the registration, more than a century after it, or none at all is refused", () => {
  const registeredAt = 1_800_000_000;
  for (const now of [registeredAt - 1, 0, 2 ** 40, 2 ** 53, Number.POSITIVE_INFINITY, Number.NaN])
    expect(() => observedClock(life({ registeredAt }), now)).toThrow(RangeError);
  expect(observedClock(life({ registeredAt }), registeredAt).unknown).toEqual([]);
});

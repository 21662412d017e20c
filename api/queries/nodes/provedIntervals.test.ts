import { expect, test } from "vitest";
import { provedIntervals } from "./provedIntervals.ts";

const maxAgeSeconds = 1_800;

test("an interval is at least a minute and at most a day, whatever the age", () => {
  const openAt = (maxAgeSeconds: number, now: number) =>
    provedIntervals(0, [], { lastSignedAt: 0, maxAgeSeconds, now });
  expect(openAt(0, 90)).toEqual([{ fromAt: 0, untilAt: null }]);
  expect(openAt(0, 91)).toEqual([{ fromAt: 0, untilAt: 60 }]);
  expect(openAt(Number.MAX_SAFE_INTEGER, 129_600)).toEqual([{ fromAt: 0, untilAt: null }]);
  expect(openAt(Number.MAX_SAFE_INTEGER, 129_601)).toEqual([{ fromAt: 0, untilAt: 86_400 }]);
});

test("an open gap of at most 1.5 I goes on, a longer one ended after I", () => {
  const open = (now: number) => provedIntervals(0, [], { lastSignedAt: 100, maxAgeSeconds, now });
  expect(open(100 + 1_350)).toEqual([{ fromAt: 0, untilAt: null }]);
  expect(open(100 + 1_351)).toEqual([{ fromAt: 0, untilAt: 1_000 }]);
});

test("a gap is down from I after its first second until its last", () => {
  const gaps = [{ lastSignedAt: 0, nextSignedAt: 5_000, maxAgeSeconds }];
  expect(provedIntervals(0, gaps, { lastSignedAt: 5_000, maxAgeSeconds, now: 5_001 })).toEqual([
    { fromAt: 0, untilAt: 900 },
    { fromAt: 5_000, untilAt: null },
  ]);
});

import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { HOUR_SECONDS, MAX_PAST_SECONDS, SCORING } from "./constants.ts";
import { excusedSpells, granted, type RelayerSilence } from "./excused.ts";
import { covered, coveredSeconds, type Spell } from "./spell.ts";

const HOUR = 3_600;
const DAY = 86_400;
const START = 1_800_000_000;

const carried = (...operators: string[]) =>
  operators.map((operator) => ({ nodeId: `node of ${operator}`, operator }));
const silence = (changes: Partial<RelayerSilence> = {}): RelayerSilence => ({
  relayer: "relayer",
  fromAt: START,
  untilAt: START + 2 * HOUR,
  maxAgeSeconds: 1_800,
  carried: carried("a", "b", "c"),
  operatorsHeard: 3,
  operatorsAliveElsewhere: [],
  ...changes,
});
const excusedOf = (changes: Partial<RelayerSilence>, now = START + DAY) =>
  excusedSpells([silence(changes)], now).get("node of a");

test("a silent relayer excuses the nodes it carried, an interval to either side", () => {
  const spells = excusedSpells([silence()], START + DAY);
  expect([...spells.keys()]).toEqual(["node of a", "node of b", "node of c"]);
  expect(spells.get("node of b")).toEqual([{ fromAt: START - 900, untilAt: START + 2 * HOUR + 900 }]);
});

test("a silence that goes on excuses up to now", () => {
  expect(excusedOf({ untilAt: null }, START + HOUR)).toEqual([
    { fromAt: START - 900, untilAt: START + HOUR },
  ]);
});

test("a silence of 1.5 I is none", () => {
  expect(excusedOf({ untilAt: START + 1_350 })).toBeUndefined();
  expect(excusedOf({ untilAt: START + 1_351 })).toBeDefined();
});

test("an operator that relays for itself cannot excuse itself", () => {
  const own = [
    { nodeId: "node of a", operator: "a" },
    { nodeId: "another", operator: "a" },
  ];
  expect(excusedOf({ carried: own, operatorsHeard: 1 })).toBeUndefined();
});

test("fewer than a third of the operators heard cannot excuse themselves", () => {
  expect(excusedOf({ carried: carried("a", "b"), operatorsHeard: 7 })).toBeUndefined();
  expect(excusedOf({ carried: carried("a", "b"), operatorsHeard: 6 })).toBeDefined();
});

test("nothing is excused when half of the operators were alive through others", () => {
  const four = carried("a", "b", "c", "d");
  expect(
    excusedOf({ carried: four, operatorsHeard: 4, operatorsAliveElsewhere: ["a", "b"] }),
  ).toBeUndefined();
  expect(excusedOf({ carried: four, operatorsHeard: 4, operatorsAliveElsewhere: ["a"] })).toBeDefined();
  // Those it did not carry do not count.
  expect(
    excusedOf({ carried: four, operatorsHeard: 4, operatorsAliveElsewhere: ["a", "x", "y"] }),
  ).toBeDefined();
});

test("a silence of ten days excuses a day in any seven", () => {
  const spells = excusedOf({ untilAt: START + 10 * DAY }, START + 20 * DAY) ?? [];
  const first = START - 900;
  expect(spells).toEqual([
    { fromAt: first, untilAt: first + DAY },
    { fromAt: first + 7 * DAY, untilAt: first + 8 * DAY },
  ]);
});

test("what is granted lies within the claims, never exceeds a day in seven, and is all when it need not", () => {
  const claims = fc.array(
    fc
      .tuple(fc.nat(20 * 24), fc.integer({ min: 1, max: 40 }))
      .map(([from, hours]) => ({ fromAt: START + from * HOUR, untilAt: START + (from + hours) * HOUR })),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(claims, (spells) => {
      const given = granted(spells, START + 30 * DAY);
      // Hour by hour, from the definition: an hour is granted while the seven days before it hold less than a day.
      const expected: boolean[] = [];
      for (let hour = 0; hour < 30 * 24; hour++) {
        const at = START + hour * HOUR;
        const claimed = spells.some(({ fromAt, untilAt }) => fromAt <= at && at < untilAt);
        // The oldest hour of the window leaves it while this one enters.
        const inWindow = expected.slice(Math.max(0, hour - 167), hour).filter(Boolean).length;
        expected.push(claimed && inWindow < 24);
      }
      const actual = expected.map((_, hour) =>
        given.some(({ fromAt, untilAt }) => fromAt <= START + hour * HOUR && START + hour * HOUR < untilAt),
      );
      expect(actual).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

/** The same rule, looking through every earlier grant at every step. */
function grantedSlowly(claims: readonly Spell[], now: number): readonly Spell[] {
  const windowSeconds = SCORING.excusedWindowHours * HOUR_SECONDS;
  const limitSeconds = SCORING.excusedHours * HOUR_SECONDS;
  const grants: { fromAt: number; untilAt: number }[] = [];
  for (const claim of covered(claims, Number.NEGATIVE_INFINITY, now)) {
    let at = claim.fromAt;
    while (at < claim.untilAt) {
      const left = limitSeconds - coveredSeconds(grants, at - windowSeconds, at);
      const windowFrom = at - windowSeconds;
      const leaving = grants.find(({ untilAt }) => untilAt > windowFrom);
      const slides = leaving !== undefined && leaving.fromAt <= windowFrom;
      const changesAt =
        leaving === undefined
          ? Number.POSITIVE_INFINITY
          : (slides ? leaving.untilAt : leaving.fromAt) + windowSeconds;
      const until = Math.min(claim.untilAt, changesAt, slides ? Number.POSITIVE_INFINITY : at + left);
      const isGranted = left > 0 || slides;
      const last = grants.at(-1);
      if (isGranted && last !== undefined && last.untilAt === at) last.untilAt = until;
      else if (isGranted) grants.push({ fromAt: at, untilAt: until });
      at = isGranted ? until : Math.min(claim.untilAt, changesAt);
    }
  }
  return grants;
}

test("what is granted is what looking through every earlier grant gives", () => {
  const seconds = fc.oneof(
    fc.integer({ min: 1, max: 40 * DAY }),
    fc.integer({ min: 1, max: 200 }).map((n) => n * 450),
  );
  const claims = fc.array(
    fc.tuple(seconds, seconds).map(([from, length]) => ({
      fromAt: START + from / 2,
      untilAt: START + from / 2 + length / 2,
    })),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(claims, fc.integer({ min: 0, max: 60 * DAY }), (spells, later) => {
      expect(granted(spells, START + later)).toEqual(grantedSlowly(spells, START + later));
    }),
    { numRuns: 500 },
  );
});

/** Every step of the loops over weeks takes a minimum. */
function countSteps(work: () => void): number {
  const minimum = vi.spyOn(Math, "min");
  try {
    work();
    return minimum.mock.calls.length;
  } finally {
    minimum.mockRestore();
  }
}

const YEAR = 365.25 * DAY;
test("a silence costs what the windows of a century do, however long it lasts and whatever the second is", () => {
  const windows = MAX_PAST_SECONDS / (7 * DAY);
  for (const now of [START + 1_000 * YEAR, 2 ** 40 + 0.5, 2 ** 53, 2 ** 60, Number.MAX_VALUE]) {
    const steps = countSteps(() => {
      const spells = excusedOf({ untilAt: null }, now) ?? [];
      expect(spells.every(({ fromAt, untilAt }) => fromAt < untilAt && untilAt <= now)).toBe(true);
    });
    expect(steps).toBeLessThan(20 * windows);
  }
  const endless = [{ fromAt: Number.NEGATIVE_INFINITY, untilAt: Number.POSITIVE_INFINITY }];
  expect(countSteps(() => granted(endless, START))).toBeLessThan(20 * windows);
  expect(granted([{ fromAt: Number.NaN, untilAt: START }], START)).toEqual([]);
});

test("a moment that is none is refused", () => {
  for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(() => granted([], now)).toThrow(RangeError);
});

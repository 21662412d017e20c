import { expect, test } from "vitest";
import { afterAbsence, afterFailure, afterRefusal } from "./schedule.ts";

const schedule = { absenceDelays: [10, 60], unavailableDelay: 1000, recheckDelay: 600 };

test("a blob is gone once every wait of the schedule was in vain, and is asked for ever after", () => {
  expect(afterAbsence(1, schedule, 0.5)).toEqual({ delaySeconds: 10, unavailable: false });
  expect(afterAbsence(2, schedule, 0.5)).toEqual({ delaySeconds: 60, unavailable: false });
  expect(afterAbsence(3, schedule, 0.5)).toEqual({ delaySeconds: 1000, unavailable: true });
  expect(afterAbsence(99, schedule, 0.5)).toEqual({ delaySeconds: 1000, unavailable: true });
});

test("what is not what it should be is asked for again, ever later, until it has been so for three days", () => {
  let passed = 0;
  const waits: (number | null)[] = [afterRefusal(null, schedule, 0.5)];
  for (let wait = waits[0] ?? null; wait !== null; waits.push(wait)) {
    passed += wait;
    wait = afterRefusal(passed, schedule, 0.5);
  }
  expect(waits).toEqual([600, 1_200, 3_600, 10_800, 32_400, 97_200, 291_600, null]);
  expect(afterRefusal(5, schedule, 0)).toBeCloseTo(480);
});

test("times are spread by a fifth", () => {
  expect(afterAbsence(1, schedule, 0).delaySeconds).toBeCloseTo(8);
  expect(afterAbsence(1, schedule, 0.999999).delaySeconds).toBeCloseTo(12);
});

test("failures wait twice as long each time, ten minutes at most", () => {
  expect([1, 2, 3, 9, 10, 5000].map((attempts) => afterFailure(attempts, 0.5))).toEqual([
    2, 4, 8, 512, 600, 600,
  ]);
});

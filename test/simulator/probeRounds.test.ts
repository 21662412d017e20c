import { expect, test } from "vitest";
import {
  latencyLog2,
  type ProbeAnswer,
  type ProbeRound,
  roundMedianMs,
  usableRounds,
} from "./probeRounds.ts";

const HOUR = 3_600;
const answer = (operator: string, latencyMs: number | null, answered = latencyMs !== null): ProbeAnswer => ({
  nodeId: `${operator} ${latencyMs}`,
  operator,
  answered,
  reached: latencyMs !== null,
  latencyMs,
});
const round = (at: number, ...answers: ProbeAnswer[]): ProbeRound => ({ at, answers });
const names = ["a", "b", "c", "d"];
const everyone = names.map((name) => answer(name, 50));
const only = (...answering: string[]) =>
  names.map((name) => answer(name, answering.includes(name) ? 50 : null));

test("a round that fewer than half of the operators reached in the last hour answer is unusable", () => {
  const rounds = [round(0, ...everyone), round(600, ...only("a")), round(1_200, ...only("a", "b"))];
  expect(usableRounds(rounds).map(({ at }) => at)).toEqual([0, 1_200]);
});

test("operators that nobody reached for an hour are no longer expected", () => {
  const rounds = [round(0, ...everyone), round(HOUR, ...only("a")), round(HOUR + 1, ...only("a"))];
  expect(usableRounds(rounds).map(({ at }) => at)).toEqual([0, HOUR + 1]);
});

test("a wrong certificate answers the round, though it does not reach the node", () => {
  const wrong = names.map((name) => answer(name, null, true));
  expect(usableRounds([round(0, ...everyone), round(600, ...wrong)])).toHaveLength(2);
});

test("the median counts operators, not keys", () => {
  const many = Array.from({ length: 50 }, () => answer("many", 400));
  expect(roundMedianMs(round(0, answer("a", 100), answer("b", 120), ...many))).toBe(120);
  expect(roundMedianMs(round(0, answer("a", 100), answer("b", 200)))).toBe(150);
  expect(roundMedianMs(round(0, ...only()))).toBeNull();
});

test("latency is in doublings of the median, clipped, and null when unknown", () => {
  expect(latencyLog2(200, 100)).toBe(1);
  expect(latencyLog2(10_000, 100)).toBe(2);
  expect(latencyLog2(1, 100)).toBe(-1);
  for (const [latency, median] of [
    [null, 100],
    [100, null],
    [0, 100],
    [100, 0],
  ] as const)
    expect(latencyLog2(latency, median)).toBeNull();
});

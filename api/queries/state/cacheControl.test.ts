import fc from "fast-check";
import { expect, test } from "vitest";
import type { AsOf, ChainAsOf } from "./asOf.ts";
import { cacheControl } from "./cacheControl.ts";

const NOW = 1_800_000_000;
const lagging = (seconds: number): ChainAsOf => ({
  chainId: 1,
  blockNumber: 1,
  blockTime: NOW - seconds,
  evidence: null,
});
const asOf = (og: number | null, base: number | null): AsOf => ({
  og: og === null ? null : lagging(og),
  base: base === null ? null : lagging(base),
  proofs: null,
  origin: "",
});
const control = (state: AsOf, maxLag?: number) => cacheControl(state, NOW * 1_000, maxLag);

test.each([
  ["just after a block", asOf(0, null), "public, max-age=3"],
  ["later", asOf(2, null), "public, max-age=1"],
  ["the next block is late", asOf(29, null), "public, max-age=1"],
  ["the chain lags", asOf(31, null), "no-cache"],
  ["the sooner of two chains", asOf(0, 0), "public, max-age=2"],
  ["one of two lags", asOf(0, 100), "no-cache"],
  ["no chain", asOf(null, null), "no-cache"],
])("%s", (_, state, expected) => {
  expect(control(state)).toBe(expected);
});

test("an answer from a cache is never older than maxLag", () => {
  fc.assert(
    fc.property(fc.nat(40), fc.nat(40), fc.nat(60), (og, base, spare) => {
      const maxLag = Math.max(og, base) + spare;
      const seconds = Number(/max-age=(\d+)/.exec(control(asOf(og, base), maxLag))?.[1] ?? 0);
      expect(Math.max(og, base) + seconds).toBeLessThanOrEqual(maxLag);
    }),
  );
});

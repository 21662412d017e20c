import { expect, test } from "vitest";
import type { Sample } from "./progress.ts";
import { createStallWatch } from "./stall.ts";

const sampleAt = (seconds: number, rest: Partial<Sample>): Sample => ({
  totalBlocks: 100,
  fetchedBlocks: 100,
  events: 5,
  live: true,
  indexedBlock: 310,
  indexedAt: 1,
  headBlock: 310,
  takenAtMs: seconds * 1000,
  ...rest,
});

test("says that the indexer is stalled while the head moves, and finally asks for a restart", () => {
  const watch = createStallWatch();
  expect(watch(sampleAt(0, {}))).toBeUndefined();
  expect(watch(sampleAt(30, { headBlock: 325 }))).toBeUndefined();
  const stall = watch(sampleAt(60, { headBlock: 340 }));
  expect(stall?.reason).toContain("at block 310 for 60 s while the chain went on to block 340");
  expect(stall?.restart).toBe(false);
  expect(watch(sampleAt(180, { headBlock: 400 }))?.restart).toBe(true);
});

test.each<[string, Partial<Sample>]>([
  ["the checkpoint moves", { indexedBlock: 311, headBlock: 340 }],
  ["events are worked off", { events: 6, headBlock: 340 }],
  ["the chain does not move either", {}],
  ["history is being indexed", { live: false, headBlock: 340 }],
])("says nothing while %s", (_what, rest) => {
  const watch = createStallWatch();
  watch(sampleAt(0, {}));
  expect(watch(sampleAt(300, rest))).toBeUndefined();
});

test("a restarted indexer gets its time again", () => {
  const watch = createStallWatch();
  watch(sampleAt(0, {}));
  expect(watch(sampleAt(200, { headBlock: 400 }))?.restart).toBe(true);
  watch(sampleAt(210, { live: false, events: 0, headBlock: 400 }));
  expect(watch(sampleAt(240, { events: 0, headBlock: 400 }))).toBeUndefined();
});

import { expect, test } from "vitest";
import { createPace, describeBackfill, describeLive, readMetrics, type Sample } from "./progress.ts";

test("reads Ponder's metrics", () => {
  const text = [
    "# HELP ponder_historical_total_blocks x",
    'ponder_historical_total_blocks{chain="og"} 1000',
    'ponder_historical_cached_blocks{chain="og"} 200',
    'ponder_historical_completed_blocks{chain="og"} 300',
    'ponder_indexing_completed_events{chain="og",event="A:B"} 7',
    'ponder_indexing_completed_events{chain="og",event="A:C"} 8',
    'ponder_sync_is_realtime{chain="og"} 0',
  ].join("\n");
  expect(readMetrics(text)).toEqual({ totalBlocks: 1000, fetchedBlocks: 500, events: 15, live: false });
});

const sample = (change: Partial<Sample>): Sample => ({
  totalBlocks: 1000,
  fetchedBlocks: 0,
  events: 0,
  live: false,
  indexedBlock: 100,
  indexedAt: 1_700_000_000,
  headBlock: 1100,
  takenAtMs: 0,
  ...change,
});

test("tells blocks done and to do, events per second and time left", () => {
  const paceOf = createPace(100);
  paceOf(sample({}));
  const now = sample({ fetchedBlocks: 200, indexedBlock: 200, events: 5000, takenAtMs: 10_000 });
  const pace = paceOf(now);
  expect(pace).toEqual({ eventsPerSecond: 500, secondsLeft: 90 });
  expect(describeBackfill(now, pace, 100)).toBe(
    "indexing history: 200 of 1,000 blocks done (20.0 %), 800 to do, 500 events/s, 2 min left",
  );
});

test("promises no time while nothing moves", () => {
  const paceOf = createPace(100);
  paceOf(sample({}));
  expect(paceOf(sample({ takenAtMs: 5_000 })).secondsLeft).toBeUndefined();
});

test("tells head and lag when live", () => {
  const now = sample({ live: true, indexedBlock: 1100, events: 12 });
  expect(describeLive(now, 1_700_000_004_000)).toBe(
    "live at block 1,100 (head 1,100), 4 s behind the clock, 12 events",
  );
});

import { expect, it } from "vitest";
import { SeededRandom } from "./random.ts";
import { Timeline } from "./timeline.ts";

it("runs acts by time, equal times in the order of planning, and only those due", async () => {
  const timeline = new Timeline();
  const draw = new SeededRandom("timeline test");
  const planned = Array.from({ length: 500 }, (_, order) => ({ at: draw.integer(0, 50), order }));
  const ran: { at: number; order: number }[] = [];
  for (const entry of planned) timeline.plan(entry.at, () => void ran.push(entry));
  await timeline.runUntil(30);
  const expected = planned.filter(({ at }) => at <= 30).sort((a, b) => a.at - b.at || a.order - b.order);
  expect(ran).toEqual(expected);
  expect(timeline.next).toBe(31);
});

it("runs what an act plans for the same moment, and tells the block's time", async () => {
  const timeline = new Timeline();
  const ran: number[] = [];
  timeline.plan(5, (now) => timeline.plan(0, (later) => void ran.push(now, later)));
  await timeline.runUntil(7);
  expect(ran).toEqual([7, 7]);
});

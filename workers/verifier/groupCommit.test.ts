import { expect, test } from "vitest";
import type { LeafRecords } from "./check/leafRecords.ts";
import { GroupCommit } from "./groupCommit.ts";
import { type BatchOutcome, weightOf } from "./record/batches.ts";

/** Commits that end when told to. */
function recorder() {
  const groups: (readonly number[])[] = [];
  const endings: (() => void)[] = [];
  const commit = async (items: readonly number[]) => {
    groups.push(items);
    await new Promise<void>((resolve) => endings.push(resolve));
    if (items.includes(13)) throw new Error("unlucky");
  };
  const endAll = async () => {
    for (let idle = 0; idle < 5; idle++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      for (const end of endings.splice(0)) {
        end();
        idle = 0;
      }
    }
  };
  return { groups, commit, endAll };
}

test("what arrives during a transaction goes into the next one together, up to its limit", async () => {
  const { groups, commit, endAll } = recorder();
  const committing = new GroupCommit(commit, (item: number) => item, 10);
  const added = [1, 4, 5, 2, 50, 3].map((item) => committing.add(item));
  await endAll();
  await Promise.all(added);
  // one that is too heavy has a transaction of its own
  expect(groups).toEqual([[1], [4, 5], [2], [50], [3]]);
});

test("one that cannot be recorded does not take the others with it", async () => {
  const { groups, commit, endAll } = recorder();
  const committing = new GroupCommit(commit, () => 1, 10);
  const added = [0, 1, 13, 2].map((item) => committing.add(item).then(() => item));
  const settled = Promise.allSettled(added);
  await endAll();
  expect((await settled).map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(groups).toEqual([[0], [1, 13, 2], [1], [13], [2]]);
});

test("a batch weighs as much as its leaves, and a leaf of megabytes as much as it is long", () => {
  const proven = (count: number, bytes: number) => {
    const leaves = { count, bytes: new Uint8Array(bytes) } as LeafRecords; // all that is weighed
    return weightOf({ state: "proven", leaves } as BatchOutcome);
  };
  expect(proven(20, 20 * 448)).toBe(20);
  expect(proven(20, 20 * 192)).toBe(20);
  expect(proven(1, 4_480_000)).toBe(10_000);
  expect(weightOf({ state: "invalid" } as BatchOutcome)).toBe(1);
});

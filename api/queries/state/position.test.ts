import { expect, test } from "vitest";
import { decodeCheckpoint } from "./position.ts";

test("a checkpoint holds block time and number", () => {
  const checkpoint = `1800000000${"10740".padStart(16, "0")}${"123456".padStart(16, "0")}${"9".repeat(33)}`;
  expect(decodeCheckpoint(checkpoint)).toEqual({ blockTime: 1_800_000_000, blockNumber: 123_456 });
  expect(decodeCheckpoint("")).toBeNull();
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { segmentsOf } from "./nodeMetrics.ts";

test("segments tile the window, and buckets are whole and over", () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), fc.nat(5_000_000), (from, length) => {
      const to = from + length;
      const segments = segmentsOf(from, to).filter((segment) => segment.from < segment.to);
      let next = from;
      for (const segment of segments) {
        expect(segment.from).toBe(next);
        next = segment.to;
        if (segment.source === "rows") expect(segment.to - segment.from).toBeLessThan(7_200);
        else expect([segment.from % segment.source, segment.to % segment.source]).toEqual([0, 0]);
      }
      if (length > 0) expect(next).toBe(to);
    }),
  );
});

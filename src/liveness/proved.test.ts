import { describe, expect, it } from "vitest";
import { forgetSigned, isOutage, rememberSigned, splitGap, wasSigned } from "./proved.ts";

describe("isOutage", () => {
  it("counts a gap of 1.5 I as up and one second more as down", () => {
    const gap = { lastSignedAt: 10_000, maxAgeSeconds: 1800 };
    expect(isOutage({ ...gap, nextSignedAt: 11_350 })).toBe(false);
    expect(isOutage({ ...gap, nextSignedAt: 11_351 })).toBe(true);
  });

  it("halves an odd age without rounding", () => {
    const gap = { lastSignedAt: 0, maxAgeSeconds: 125 };
    expect(isOutage({ ...gap, nextSignedAt: 93 })).toBe(false);
    expect(isOutage({ ...gap, nextSignedAt: 94 })).toBe(true);
  });

  it("expects an interval of at least a minute and at most a day, whatever the age", () => {
    const limits = [
      [0, 90],
      [1, 90],
      [120, 90],
      [172_800, 129_600],
      [Number.MAX_SAFE_INTEGER, 129_600],
    ] as const;
    for (const [maxAgeSeconds, limit] of limits) {
      const gap = { lastSignedAt: 1_000, maxAgeSeconds };
      expect(isOutage({ ...gap, nextSignedAt: 1_000 + limit })).toBe(false);
      expect(isOutage({ ...gap, nextSignedAt: 1_001 + limit })).toBe(true);
    }
  });
});

describe("splitGap", () => {
  const gap = { lastSignedAt: 0, nextSignedAt: 10_000, maxAgeSeconds: 1800 };

  it("leaves only the parts that are still outages", () => {
    expect(splitGap(gap, 1000, 1800)).toEqual([
      { lastSignedAt: 1000, nextSignedAt: 10_000, maxAgeSeconds: 1800 },
    ]);
  });

  it("measures the later part by the age in force at its beginning", () => {
    expect(splitGap(gap, 5000, 7200)).toEqual([{ lastSignedAt: 0, nextSignedAt: 5000, maxAgeSeconds: 1800 }]);
  });
});

describe("the recently signed seconds", () => {
  it("know a repeated second, and only whole numbers", () => {
    expect(wasSigned("1000,11000", 1000)).toBe(true);
    expect(wasSigned("1000,11000", 1100)).toBe(false);
    expect(wasSigned("11000", 1000)).toBe(false);
  });

  it("are sorted and distinct", () => {
    expect(rememberSigned("100,900", 900, 500)).toBe("100,500,900");
    expect(rememberSigned("100,900", 900, 900)).toBe("100,900");
    expect(rememberSigned("100,900", 900, 901)).toBe("100,900,901");
  });

  it("are forgotten after two hours, or after twice a longer age, but for the newest", () => {
    expect(forgetSigned("100,900,1000", 7_200 + 900, 1800)).toBe("900,1000");
    expect(forgetSigned("100,900,1000", 7_200 + 900, 86_400)).toBe("100,900,1000");
    expect(forgetSigned("100,900", 1_000_000, 1800)).toBe("900");
    const many = Array.from({ length: 5000 }, (_, index) => 1000 + index).join(",");
    expect(forgetSigned(many, 6000, 1800).split(",")).toHaveLength(4096);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  activate,
  activeUntil,
  deactivate,
  type OpenInterval,
  reconsider,
  type Transition,
} from "./active.ts";

const open: OpenInterval = { from: 100, until: 200 };

describe("activeUntil", () => {
  it("includes the last second at which the contract's <= holds", () => {
    expect(activeUntil(1000, 1800, null)).toBe(2801);
  });

  it("ends with the PCR's approval when that comes first", () => {
    expect(activeUntil(1000, 1800, 1500)).toBe(1500);
  });

  it("stays a safe integer when the contract holds an absurd age", () => {
    expect(activeUntil(1000, Number.MAX_SAFE_INTEGER, null)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("activate", () => {
  it("extends an interval that reaches up to the heartbeat", () => {
    expect(activate(open, 200, 300)).toEqual({ open: { from: 100, until: 300 }, ended: null });
  });

  it("ends a lapsed interval as stale where it lapsed and opens another", () => {
    expect(activate(open, 201, 300)).toEqual({
      open: { from: 201, until: 300 },
      ended: { from: 100, until: 200, endCause: "stale" },
    });
  });

  it("does nothing for a node that would not be active", () => {
    expect(activate(null, 300, 300)).toEqual({ open: null, ended: null });
  });
});

describe("deactivate", () => {
  it("cuts the interval with its cause", () => {
    expect(deactivate(open, 150, "disabled").ended).toEqual({ from: 100, until: 150, endCause: "disabled" });
  });

  it("keeps the staleness of an interval that lapsed before", () => {
    expect(deactivate(open, 250, "disabled").ended).toEqual({ from: 100, until: 200, endCause: "stale" });
  });

  it("drops an interval without a second in it", () => {
    expect(deactivate({ from: 150, until: 300 }, 150, "disabled")).toEqual({ open: null, ended: null });
  });
});

describe("reconsider", () => {
  it("ends the interval at the change when the new age is over already", () => {
    expect(reconsider(open, 150, 120, "max-age")).toEqual({
      open: null,
      ended: { from: 100, until: 150, endCause: "max-age" },
    });
  });

  it("shortens and lengthens an interval that goes on", () => {
    expect(reconsider(open, 150, 160, "max-age").open).toEqual({ from: 100, until: 160 });
    expect(reconsider(open, 150, 900, "max-age").open).toEqual({ from: 100, until: 900 });
  });

  it("opens a new interval when a longer age revives a stale node", () => {
    expect(reconsider(open, 250, 400, "max-age")).toEqual({
      open: { from: 250, until: 400 },
      ended: { from: 100, until: 200, endCause: "stale" },
    });
  });

  it("never turns an interval that began after the change around", () => {
    expect(reconsider(open, 50, 90, "max-age")).toEqual({ open: null, ended: null });
    expect(reconsider(open, 50, 150, "max-age")).toEqual({ open: { from: 100, until: 150 }, ended: null });
  });

  it("leaves a lapsed interval alone when the node stays stale", () => {
    expect(reconsider(open, 250, 240, "max-age")).toEqual({ open, ended: null });
  });
});

describe("any history", () => {
  // The contract itself, second by second: the intervals must say the same.
  it("answers as the contract's own rule at every second", () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 40 }),
      kind: fc.constantFrom("heartbeat", "disable", "enable", "age" as const),
      age: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let now = 1000;
        let last = now;
        let age = 30;
        let enabled = true;
        let current: OpenInterval | null = { from: now, until: activeUntil(last, age, null) };
        const ended: OpenInterval[] = [];
        const truth = new Map<number, boolean>();
        const live = (from: number, to: number) => {
          for (let second = from; second < to; second++) truth.set(second, enabled && second - last <= age);
        };
        for (const { wait, kind, age: newAge } of steps) {
          live(now, now + wait);
          now += wait;
          if (kind === "heartbeat" && enabled) last = now;
          if (kind === "disable") enabled = false;
          if (kind === "enable") enabled = true;
          if (kind === "age") age = newAge;
          const until = activeUntil(last, age, null);
          const transition: Transition =
            kind === "disable"
              ? deactivate(current, now, "disabled")
              : !enabled
                ? { open: current, ended: null }
                : kind === "age"
                  ? reconsider(current, now, until, "max-age")
                  : activate(current, now, until);
          current = transition.open;
          if (transition.ended !== null) ended.push(transition.ended);
        }
        live(now, now + 200);
        const all = current === null ? ended : [...ended, current];
        const wrong = [...truth].filter(
          ([second, active]) => all.some(({ from, until }) => from <= second && second < until) !== active,
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

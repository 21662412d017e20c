import fc from "fast-check";
import { expect, test } from "vitest";
import { InFlightBytes } from "./inFlightBytes.ts";

const holder = (name: string, client?: string) => ({ name, client });

test("bytes count until they are read or released", () => {
  const undelivered = new InFlightBytes({ bytes: 100, bytesPerClient: 50 });
  const [a, b] = [holder("a", "x"), holder("b")];
  expect(undelivered.set(a, 30)).toEqual([]);
  expect(undelivered.set(b, 40)).toEqual([]);
  expect(undelivered.bytes).toBe(70);
  undelivered.set(a, 10);
  expect(undelivered.bytes).toBe(50);
  undelivered.set(a, 0);
  undelivered.release(b);
  undelivered.release(b);
  expect(undelivered.bytes).toBe(0);
});

test("over the total, the least recently active owner is evicted first", () => {
  const undelivered = new InFlightBytes({ bytes: 100, bytesPerClient: 1_000 });
  const [a, b, c] = [holder("a"), holder("b"), holder("c")];
  for (const each of [a, b, c]) undelivered.set(each, 30);
  undelivered.set(a, 30);
  expect(undelivered.set(c, 60)).toEqual([b]);
  expect(undelivered.bytes).toBe(90);
  // One alone may be larger than everything: it was told what it asked for, once.
  expect(undelivered.set(c, 500)).toEqual([a]);
  expect(undelivered.set(c, 500)).toEqual([]);
});

test("a client over its own bound loses its own streams and nobody else's", () => {
  const undelivered = new InFlightBytes({ bytes: 1_000, bytesPerClient: 50 });
  const [a, b, other] = [holder("a", "x"), holder("b", "x"), holder("c", "y")];
  for (const each of [other, a]) undelivered.set(each, 40);
  expect(undelivered.set(b, 40)).toEqual([a]);
  expect(undelivered.bytes).toBe(80);
});

test("the total is the sum of what is in flight, and exceeds the bound by at most the last one", () => {
  const step = fc.record({ who: fc.nat(5), bytes: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const holders = Array.from({ length: 6 }, (_, index) => holder(`${index}`, `client ${index % 2}`));
      const undelivered = new InFlightBytes({ bytes: 100, bytesPerClient: 70 });
      const held = new Map<object, number>();
      for (const { who, bytes } of steps) {
        const one = holders[who];
        if (one === undefined) continue;
        held.set(one, bytes);
        for (const cut of undelivered.set(one, bytes)) held.delete(cut);
        const sum = [...held.values()].reduce((total, each) => total + each, 0);
        expect(undelivered.bytes).toBe(sum);
        expect(sum).toBeLessThanOrEqual(Math.max(100, bytes));
      }
    }),
  );
});

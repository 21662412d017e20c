import fc from "fast-check";
import { expect, test } from "vitest";
import { RateLimiter } from "./rateLimiter.ts";

test("a burst is allowed, then the refill rate, and refusals cost nothing", () => {
  const limiter = new RateLimiter({ perMinute: 60, burst: 3 });
  expect(limiter.take("a", 1, 0)).toEqual({
    allowed: true,
    remaining: 2,
    resetSeconds: 1,
    retryAfterSeconds: 0,
  });
  expect(limiter.take("a", 2, 0)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 3 });
  expect(limiter.take("a", 1, 0)).toEqual({
    allowed: false,
    remaining: 0,
    resetSeconds: 3,
    retryAfterSeconds: 1,
  });
  expect(limiter.take("a", 3, 500)).toMatchObject({ allowed: false, retryAfterSeconds: 3 });
  expect(limiter.take("b", 3, 500).allowed).toBe(true);
  expect(limiter.take("a", 1, 1_000)).toMatchObject({ allowed: true, remaining: 0 });
  expect(limiter.take("a", 1, 1_999).allowed).toBe(false);
  expect(limiter.take("a", 1, 2_000).allowed).toBe(true);
});

test("whole seconds are reported exactly, whatever fraction of a millisecond the clock shows", () => {
  const limiter = new RateLimiter({ perMinute: 60, burst: 3 });
  for (let index = 0; index < 1_000; index++) {
    const now = 12_345.678_9 + index * 0.001_37;
    expect(limiter.take(`client ${index}`, 1, now).resetSeconds).toBe(1);
    expect(limiter.take(`client ${index}`, 3, now).retryAfterSeconds).toBe(1);
  }
});

test("a cost above the bucket's size takes the whole bucket", () => {
  const limiter = new RateLimiter({ perMinute: 60, burst: 10 });
  expect(limiter.take("a", 1_000, 0)).toMatchObject({ allowed: true, remaining: 0 });
  expect(limiter.take("a", 1_000, 9_000)).toMatchObject({
    allowed: false,
    remaining: 9,
    retryAfterSeconds: 1,
  });
  expect(limiter.take("a", 1_000, 10_000).allowed).toBe(true);
});

test("no client gets more than the burst plus the refill, and one that waits as told is served", () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(5_000), cost: fc.integer({ min: 1, max: 12 }) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 600 }),
      fc.integer({ min: 12, max: 50 }),
      (asked, perMinute, burst) => {
        const limiter = new RateLimiter({ perMinute, burst });
        let now = 1_000;
        let taken = 0;
        for (const { waitMs, cost } of asked) {
          now += waitMs;
          const state = limiter.take("a", cost, now);
          if (state.allowed) taken += cost;
          else {
            now += 1_000 * state.retryAfterSeconds;
            expect(limiter.take("a", cost, now).allowed).toBe(true);
            taken += cost;
          }
          expect(taken).toBeLessThanOrEqual(burst + ((now - 1_000) * perMinute) / 60_000 + 1e-6);
        }
      },
    ),
  );
});

test("a flood of addresses takes bounded memory, and an active client stays limited", () => {
  const limiter = new RateLimiter({ perMinute: 60, burst: 5 }, 1_000);
  for (let index = 0; index < 100_000; index++) {
    limiter.take(`flood ${index}`, 1, 10);
    if (index % 500 === 0) limiter.take("steady", 5, 10);
    expect(limiter.clients).toBeLessThanOrEqual(1_000);
  }
  expect(limiter.take("steady", 1, 10).allowed).toBe(false);
  // A minute later every bucket is full again and forgotten but for those that asked.
  limiter.take("late", 1, 70_000);
  expect(limiter.clients).toBe(1);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRequestRate } from "./requestRate.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
const never = new AbortController().signal;

/** Requests that go through in `seconds` while there are always more. */
async function through(
  rate: ReturnType<typeof createRequestRate>,
  seconds: number,
  succeed = true,
): Promise<number> {
  let done = 0;
  const stop = new AbortController();
  const worker = async () => {
    for (;;) {
      await rate.take(stop.signal);
      done += 1;
      if (succeed) rate.succeeded();
    }
  };
  const workers = Array.from({ length: 50 }, () => worker().catch(() => {}));
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  stop.abort();
  await Promise.all(workers);
  return done;
}

test("begins with about 20 a second, grows while all goes well, and no further than its limit", async () => {
  const rate = createRequestRate();
  const first = await through(rate, 1);
  expect(first).toBeGreaterThan(15);
  expect(first).toBeLessThan(30);
  await through(rate, 60);
  expect(rate.perSecond()).toBe(300);
});

test("is cut by a refusal, once per burst of them, and grows more slowly afterwards", async () => {
  const rate = createRequestRate();
  await through(rate, 60);
  for (let n = 0; n < 20; n += 1) rate.refused();
  expect(rate.perSecond()).toBeCloseTo(210);
  await through(rate, 5);
  expect(rate.perSecond()).toBeGreaterThan(215);
  expect(rate.perSecond()).toBeLessThan(225);
});

test("pauses for as long as the endpoint asks", async () => {
  const rate = createRequestRate();
  rate.refused(3000);
  expect(await through(rate, 2.9)).toBe(0);
  expect(await through(rate, 1)).toBeGreaterThan(0);
});

test("does not grow when it is not used up", async () => {
  const rate = createRequestRate();
  for (let n = 0; n < 50; n += 1) {
    await rate.take(never);
    rate.succeeded();
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(rate.perSecond()).toBe(20);
});

test("lets go of who stops waiting", async () => {
  const rate = createRequestRate();
  rate.refused(10_000);
  const stop = new AbortController();
  const waiting = rate.take(stop.signal);
  stop.abort(new Error("called off"));
  await expect(waiting).rejects.toThrow("called off");
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { Abandoned } from "../../errors.ts";
import { FairSemaphore } from "./fairSemaphore.ts";

/** Jobs that end when they are told to, and the order in which they began. */
class Jobs {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  constructor(readonly semaphore: FairSemaphore) {}

  add(name: string, client?: string, signal?: AbortSignal): Promise<void> {
    return this.semaphore.take(
      () => {
        this.begun.push(name);
        return new Promise<void>((resolve) => void this.#ends.set(name, resolve));
      },
      { client, signal },
    );
  }

  /** Ends a job and lets whoever is next begin. */
  async end(name: string): Promise<void> {
    const end = this.#ends.get(name);
    if (end === undefined) throw new Error(`${name} has not begun`);
    this.#ends.delete(name);
    end();
    await settled();
  }

  get underWay(): readonly string[] {
    return [...this.#ends.keys()];
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("jobs without a client are done in order, whatever becomes of those before", async () => {
  const semaphore = new FairSemaphore({ permits: 2 });
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) =>
    semaphore.take(() => {
      begun.push(number);
      return new Promise<void>((resolve, reject) => {
        ends[number] = number === 0 ? () => reject(new RangeError("failed")) : resolve;
      });
    });
  const [failing, ...others] = [0, 1, 2, 3].map(work);
  await settled();
  expect([begun, semaphore.waiting]).toEqual([[0, 1], 2]);
  ends[0]?.();
  await expect(failing).rejects.toThrow(RangeError);
  await settled();
  expect([begun, semaphore.waiting]).toEqual([[0, 1, 2], 1]);
  ends[1]?.();
  await settled();
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const end of ends) end();
  await Promise.all(others);
});

test("a client with sixty jobs gets no more permits than one with a few", async () => {
  const jobs = new Jobs(new FairSemaphore({ permits: 4 }));
  const all = Array.from({ length: 60 }, (_, index) => jobs.add(`greedy ${index}`, "greedy"));
  await settled();
  expect(jobs.begun).toHaveLength(4);
  for (let index = 0; index < 4; index++) all.push(jobs.add(`modest ${index}`, "modest"));
  // The next two permits that become free are the newcomer's; then both hold as many, and take turns.
  for (const name of ["greedy 0", "greedy 1"]) await jobs.end(name);
  expect(jobs.underWay).toEqual(["greedy 2", "greedy 3", "modest 0", "modest 1"]);
  for (const name of ["greedy 2", "modest 0", "greedy 3", "modest 1"]) await jobs.end(name);
  expect(jobs.underWay.map((name) => name.split(" ")[0]).sort()).toEqual([
    "greedy",
    "greedy",
    "modest",
    "modest",
  ]);
  while (jobs.underWay.length > 0) await jobs.end(jobs.underWay[0] ?? "");
  await Promise.all(all);
  expect(jobs.begun).toHaveLength(64);
});

test("what a client may not hold stays free for whoever comes", async () => {
  const jobs = new Jobs(new FairSemaphore({ permits: 4, permitsPerClient: 2 }));
  const all = Array.from({ length: 10 }, (_, index) => jobs.add(`greedy ${index}`, "greedy"));
  await settled();
  expect([jobs.begun, jobs.semaphore.waiting]).toEqual([["greedy 0", "greedy 1"], 8]);
  all.push(jobs.add("modest", "modest"));
  await settled();
  expect(jobs.underWay).toContain("modest");
  while (jobs.underWay.length > 0) await jobs.end(jobs.underWay[0] ?? "");
  await Promise.all(all);
});

test("who goes away while waiting takes no permit", async () => {
  const jobs = new Jobs(new FairSemaphore({ permits: 1 }));
  const first = jobs.add("first", "a");
  const gone = new AbortController();
  const second = jobs.add("second", "b", gone.signal);
  const third = jobs.add("third", "c");
  gone.abort();
  await expect(second).rejects.toThrow(Abandoned);
  await jobs.end("first");
  expect(jobs.begun).toEqual(["first", "third"]);
  await jobs.end("third");
  await Promise.all([first, third]);
  await expect(jobs.add("late", "b", gone.signal)).rejects.toThrow(Abandoned);
  expect(await jobs.semaphore.take(async () => "free again")).toBe("free again");
});

test("who waits longer than it would is refused, and takes no permit", async () => {
  const jobs = new Jobs(new FairSemaphore({ permits: 1 }));
  const first = jobs.add("first");
  const refused = jobs.semaphore.take(async () => "never", {
    waitAtMostMs: 1,
    refusal: () => new RangeError("too long"),
  });
  await expect(refused).rejects.toThrow(RangeError);
  expect(jobs.semaphore.waiting).toBe(0);
  await jobs.end("first");
  await first;
});

test("no permit is lost or given twice, nobody holds more than may be, and every job is done", async () => {
  const step = fc.record({
    client: fc.constantFrom("a", "b", "c"),
    action: fc.constantFrom("add", "end", "leave"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const jobs = new Jobs(new FairSemaphore({ permits: 3, permitsPerClient: 2 }));
      const waiting = new Map<string, { readonly gone: AbortController; readonly client: string }>();
      const all: Promise<unknown>[] = [];
      for (const [index, { client, action }] of steps.entries()) {
        if (action === "add") {
          const gone = new AbortController();
          const name = `${client}${index}`;
          waiting.set(name, { gone, client });
          all.push(jobs.add(name, client, gone.signal).catch(() => {}));
        } else if (action === "end") {
          const [name] = jobs.underWay;
          if (name !== undefined) await jobs.end(name);
        } else {
          const name = [...waiting.keys()].find((one) => !jobs.begun.includes(one));
          if (name !== undefined) waiting.get(name)?.gone.abort();
        }
        await settled();
        for (const each of ["a", "b", "c"])
          expect(jobs.underWay.filter((name) => name.startsWith(each)).length).toBeLessThanOrEqual(2);
        expect(jobs.underWay.length).toBeLessThanOrEqual(3);
      }
      while (jobs.underWay.length > 0) await jobs.end(jobs.underWay[0] ?? "");
      await Promise.all(all);
      expect(jobs.semaphore.waiting).toBe(0);
    }),
    { numRuns: 200 },
  );
});

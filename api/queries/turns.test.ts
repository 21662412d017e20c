import { expect, test } from "vitest";
import { Abandoned } from "../errors.ts";
import { Turns } from "./turns.ts";

test("so many work at once, the others in the order they came, whatever becomes of those before", async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) =>
    turns.take(() => {
      begun.push(number);
      return new Promise<void>((resolve, reject) => {
        ends[number] = number === 0 ? () => reject(new RangeError("failed")) : resolve;
      });
    });
  const [failing, ...others] = [0, 1, 2, 3].map(work);
  await Promise.resolve();
  expect([begun, turns.waiting]).toEqual([[0, 1], 2]);
  ends[0]?.();
  await expect(failing).rejects.toThrow(RangeError);
  expect([begun, turns.waiting]).toEqual([[0, 1, 2], 1]);
  ends[1]?.();
  await others[0];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[2]?.();
  ends[3]?.();
  await Promise.all(others);
});

test("who goes away while waiting takes no turn", async () => {
  const turns = new Turns(1);
  let end = () => {};
  const first = turns.take(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const gone = new AbortController();
  const second = turns.take(async () => "second", gone.signal);
  const third = turns.take(async () => "third", new AbortController().signal);
  gone.abort();
  await expect(second).rejects.toThrow(Abandoned);
  end();
  await first;
  expect(await third).toBe("third");
  await expect(turns.take(async () => "late", gone.signal)).rejects.toThrow(Abandoned);
  expect(await turns.take(async () => "free again")).toBe("free again");
});

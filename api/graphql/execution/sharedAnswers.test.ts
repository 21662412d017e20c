import { expect, test } from "vitest";
import { Abandoned } from "../../errors.ts";
import { SharedAnswers } from "./sharedAnswers.ts";

/** Answers that are made when they are told to. */
function makers() {
  const made: { readonly signal: AbortSignal; readonly finish: (answer: string) => void }[] = [];
  const make = (signal: AbortSignal) =>
    new Promise<string>((resolve) => void made.push({ signal, finish: resolve }));
  return { made, make };
}

test("an answer is made once for all who ask at once, and for those who come a little later", async () => {
  const shared = new SharedAnswers();
  const { made, make } = makers();
  const { signal } = new AbortController();
  const both = [shared.of("a", signal, make), shared.of("a", signal, make)];
  made[0]?.finish("answer");
  expect(await Promise.all(both)).toEqual(["answer", "answer"]);
  expect(await shared.of("a", signal, make)).toBe("answer");
  expect(made).toHaveLength(1);
});

test("who goes away is let go; the answer is given up only when nobody waits for it any more", async () => {
  const shared = new SharedAnswers();
  const { made, make } = makers();
  const [first, second] = [new AbortController(), new AbortController()];
  const answers = [first, second].map(({ signal }) => shared.of("a", signal, make));
  const refused = answers.map((answer) => expect(answer).rejects.toThrow(Abandoned));
  first.abort();
  await refused[0];
  expect(made[0]?.signal.aborted).toBe(false);
  second.abort();
  await refused[1];
  expect(made[0]?.signal.aborted).toBe(true);
  // Whoever comes then does not wait for what was given up.
  const { signal } = new AbortController();
  const third = shared.of("a", signal, make);
  made[1]?.finish("answer");
  expect(await third).toBe("answer");
  await expect(shared.of("b", first.signal, make)).rejects.toThrow(Abandoned);
  expect(made).toHaveLength(2);
});

test("an answer that could not be made is made anew", async () => {
  const shared = new SharedAnswers();
  const { signal } = new AbortController();
  await expect(shared.of("a", signal, () => Promise.reject(new RangeError()))).rejects.toThrow(RangeError);
  expect(await shared.of("a", signal, async () => "answer")).toBe("answer");
});

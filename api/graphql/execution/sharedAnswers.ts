/** Answers that many subscriptions ask for at once, made once, for as long as anybody waits for them. */
import { Abandoned } from "../../errors.ts";
import { TextCache } from "./textCache.ts";

/** Names and texts of what is made at about the same time. */
const KEPT_CHARACTERS = 4_000_000;

/** An answer that is being made. */
interface Pending {
  readonly answer: Promise<string>;
  /** Aborted when the last of those who wait has gone. */
  readonly abandoned: AbortController;
  waiting: number;
}

export class SharedAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #made = new TextCache<string>(KEPT_CHARACTERS, (name, answer) => name.length + answer.length);

  /**
   * @param name - tells this answer from every other one.
   * @param signal - aborted when the caller does not wait any more; what the others wait for is made all the same.
   * @throws {Abandoned} when it is, or whatever keeps the answer from being made: whoever asks later tries again.
   */
  async of(
    name: string,
    signal: AbortSignal,
    make: (signal: AbortSignal) => Promise<string>,
  ): Promise<string> {
    if (signal.aborted) throw new Abandoned();
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const pending = this.#pending.get(name) ?? this.#begin(name, make);
    pending.waiting += 1;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        pending.waiting -= 1;
        if (pending.waiting === 0) {
          // Who asks from now on must not wait for what is given up.
          if (this.#pending.get(name) === pending) this.#pending.delete(name);
          pending.abandoned.abort();
        }
        reject(new Abandoned());
      };
      signal.addEventListener("abort", onAbort, { once: true });
      pending.answer.finally(() => signal.removeEventListener("abort", onAbort)).then(resolve, reject);
    });
  }

  #begin(name: string, make: (signal: AbortSignal) => Promise<string>): Pending {
    const abandoned = new AbortController();
    const pending: Pending = { answer: make(abandoned.signal), abandoned, waiting: 0 };
    this.#pending.set(name, pending);
    const done = () => {
      if (this.#pending.get(name) === pending) this.#pending.delete(name);
    };
    pending.answer.then((answer) => {
      done();
      this.#made.set(name, answer);
    }, done);
    return pending;
  }
}

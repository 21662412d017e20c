/** Makes each answer that several subscriptions need once, for as long as one of them waits for it. */
import { Abandoned } from "../../errors.ts";
import { TextCache } from "./textCache.ts";

/** Bound on the answers kept for subscriptions that are a little later. */
const KEPT_CHARACTERS = 4_000_000;

/** An answer that is being made. */
interface Pending {
  readonly answer: Promise<string>;
  /** Aborted when the last client that waited is gone. */
  readonly abandoned: AbortController;
  waiting: number;
}

export class SharedAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #made = new TextCache<string>(KEPT_CHARACTERS, (name, answer) => name.length + answer.length);

  /**
   * @param name - identifies the answer.
   * @param signal - aborted when this caller stops waiting; the answer is still made for the others.
   * @throws {Abandoned} when the signal is aborted, or whatever `make` throws; failures are not kept.
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
          // Later callers must not wait for an abandoned answer.
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

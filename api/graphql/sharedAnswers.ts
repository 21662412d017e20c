/** Answers that many subscriptions ask for at once, made once. */

/** As many different ones as are made at about the same time. */
const MOST_KEPT = 64;

export class SharedAnswers {
  readonly #answers = new Map<string, Promise<string>>();

  /** @param name - tells this answer from every other one. */
  of(name: string, make: () => Promise<string>): Promise<string> {
    const known = this.#answers.get(name);
    if (known !== undefined) return known;
    const answer = make();
    this.#answers.set(name, answer);
    // Who waits for it is told; whoever asks later tries again.
    answer.catch(() => this.#answers.delete(name));
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST_KEPT && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }
}

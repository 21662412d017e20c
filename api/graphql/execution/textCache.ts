/** A least-recently-used cache bounded by the characters it holds, because clients choose how long its texts are. */
export class TextCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #maxCharacters: number;
  readonly #lengthOf: (key: string, value: Value) => number;
  #characters = 0;

  constructor(maxCharacters: number, lengthOf: (key: string, value: Value) => number = (key) => key.length) {
    this.#maxCharacters = maxCharacters;
    this.#lengthOf = lengthOf;
  }

  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#drop(key);
    this.#entries.set(key, value);
    this.#characters += this.#lengthOf(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#characters <= this.#maxCharacters) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#characters -= this.#lengthOf(key, value);
    this.#entries.delete(key);
  }
}

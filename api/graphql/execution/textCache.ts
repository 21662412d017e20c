/** A cache bounded by the characters of what it keeps, because callers choose these; the longest unused go first. */
export class TextCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #mostCharacters: number;
  readonly #lengthOf: (key: string, value: Value) => number;
  #characters = 0;

  constructor(mostCharacters: number, lengthOf: (key: string, value: Value) => number = (key) => key.length) {
    this.#mostCharacters = mostCharacters;
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
      if (this.#characters <= this.#mostCharacters) break;
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

/** Writes JSON piece by piece and stops at a limit of bytes. */
import { ApiError } from "../../../errors.ts";

class JsonWriter {
  readonly #pieces: string[] = [];
  readonly #maxBytes: number;
  /** Encoded names: answers repeat few of them often. */
  readonly #names = new Map<string, string>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get text(): string {
    return this.#pieces.join("");
  }

  write(value: unknown): void {
    if (typeof value !== "object" || value === null) this.#put(JSON.stringify(value) ?? "null");
    else if (Array.isArray(value)) this.#writeItems(value);
    else if ("toJSON" in value && typeof value.toJSON === "function") this.write(value.toJSON());
    else this.#writeMembers(value);
  }

  #writeItems(items: readonly unknown[]): void {
    this.#put("[");
    items.forEach((item, index) => {
      if (index > 0) this.#put(",");
      this.write(item);
    });
    this.#put("]");
  }

  #writeMembers(value: object): void {
    this.#put("{");
    let first = true;
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      if (!first) this.#put(",");
      first = false;
      this.#put(this.#nameOf(name));
      this.write(member);
    }
    this.#put("}");
  }

  #nameOf(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const text = `${JSON.stringify(name)}:`;
    this.#names.set(name, text);
    return text;
  }

  #put(piece: string): void {
    this.#bytes += Buffer.byteLength(piece);
    if (this.#bytes > this.#maxBytes)
      throw new ApiError(
        "answer-too-large",
        `The answer has more than ${this.#maxBytes.toLocaleString("en-US")} bytes. Ask for fewer items, or leave out long fields such as certificates and keys.`,
        { maxBytes: this.#maxBytes },
      );
    this.#pieces.push(piece);
  }
}

/**
 * Writes what `JSON.stringify` would, and nothing beyond the limit.
 * @throws {ApiError} `answer-too-large`.
 */
export function writeJson(value: unknown, maxBytes: number): string {
  const writer = new JsonWriter(maxBytes);
  writer.write(value);
  return writer.text;
}

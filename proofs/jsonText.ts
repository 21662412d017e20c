/**
 * Parses untrusted JSON like Python's `json.loads`: integers and floats are distinct (`1` and `1.0`), integers have any size,
 * `NaN` and `Infinity` are numbers, the last of two equal keys wins, and lone surrogates are kept. Depth, length and the
 * number of values are limited.
 */
import type { JsonObject, JsonValue } from "./pythonJson.ts";

export interface JsonLimits {
  /** UTF-16 units. */
  readonly maxLength: number;
  /** Arrays and objects inside each other; reading is recursive, so keep it below a thousand. */
  readonly maxDepth: number;
  /** Keys do not count. */
  readonly maxValues: number;
}

/** Far above any request (a long talk has some thousand values); Python gives up at a depth of about 1000. */
export const JSON_LIMITS: JsonLimits = { maxLength: 2 ** 24, maxDepth: 200, maxValues: 250_000 };

/** Python refuses longer integers (`sys.set_int_max_str_digits`), so no node can have hashed one. */
const MAX_INTEGER_DIGITS = 4300;

export type JsonProblem = "not-json" | "too-deep" | "too-large";

/** Thrown for a text that is not JSON or exceeds a limit. */
export class JsonTextError extends Error {
  override readonly name = "JsonTextError";
  constructor(
    /** Stable. */
    readonly code: JsonProblem,
    message: string,
  ) {
    super(message);
  }
}

/** @throws {JsonTextError} when the text is not JSON or exceeds a limit. */
export const readJson = (text: string, limits: JsonLimits = JSON_LIMITS): JsonValue =>
  new JsonReader(text, limits).document();

/** An object with the text of each of its members' values, as it stands in the document. */
export interface JsonDocument {
  readonly members: JsonObject;
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * @returns null when the document is not an object.
 * @throws {JsonTextError} when it is no JSON, or beyond a limit.
 */
export function readJsonDocument(text: string, limits: JsonLimits = JSON_LIMITS): JsonDocument | null {
  const reader = new JsonReader(text, limits);
  const members = reader.document();
  return members instanceof Map ? { members, texts: reader.memberTexts } : null;
}

// As Python's scanner takes it.
const NUMBER = /(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const WHITESPACE = /[ \t\n\r]*/y;

const CONSTANTS: readonly (readonly [string, JsonValue])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
];

class JsonReader {
  readonly memberTexts = new Map<string, string>();
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(
    readonly text: string,
    readonly limits: JsonLimits,
  ) {}

  document(): JsonValue {
    const { length } = this.text;
    if (length > this.limits.maxLength)
      throw new JsonTextError(
        "too-large",
        `the JSON has ${length} characters; ${this.limits.maxLength} are allowed`,
      );
    this.#skip();
    const value = this.#value();
    this.#skip();
    if (this.#at < length) throw this.#unexpected("the end");
    return value;
  }

  #value(): JsonValue {
    if (++this.#values > this.limits.maxValues)
      throw new JsonTextError("too-large", `the JSON has more than ${this.limits.maxValues} values`);
    const start = this.text[this.#at];
    if (start === '"') return this.#string();
    if (start === "{") return this.#nested(() => this.#object());
    if (start === "[") return this.#nested(() => this.#list());
    return this.#number() ?? this.#constant();
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > this.limits.maxDepth)
      throw new JsonTextError("too-deep", `the JSON is nested deeper than ${this.limits.maxDepth}`);
    this.#at += 1;
    this.#skip();
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const members = new Map<string, JsonValue>();
    if (this.#take("}")) return members;
    do {
      this.#skip();
      if (this.text[this.#at] !== '"') throw this.#unexpected("a key in double quotes");
      const key = this.#string();
      this.#skip();
      if (!this.#take(":")) throw this.#unexpected('":"');
      this.#skip();
      const start = this.#at;
      members.set(key, this.#value());
      if (this.#depth === 1) this.memberTexts.set(key, this.text.slice(start, this.#at));
      this.#skip();
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#unexpected('"," or "}"');
    return members;
  }

  #list(): readonly JsonValue[] {
    const values: JsonValue[] = [];
    if (this.#take("]")) return values;
    do {
      this.#skip();
      values.push(this.#value());
      this.#skip();
    } while (this.#take(","));
    if (!this.#take("]")) throw this.#unexpected('"," or "]"');
    return values;
  }

  #string(): string {
    const start = this.#at;
    const end = this.#closingQuote(start + 1);
    this.#at = end + 1;
    try {
      // A string by itself means the same in both languages, lone surrogates too.
      return JSON.parse(this.text.slice(start, end + 1)) as string;
    } catch {
      throw new JsonTextError(
        "not-json",
        `the string at character ${start} holds a control character or an escape that JSON has not`,
      );
    }
  }

  #closingQuote(from: number): number {
    for (let at = from; ; at += 1) {
      at = this.text.indexOf('"', at);
      if (at < 0) throw new JsonTextError("not-json", `the string at character ${from - 1} does not end`);
      let escapes = 0;
      while (this.text[at - 1 - escapes] === "\\") escapes += 1;
      if (escapes % 2 === 0) return at;
    }
  }

  #number(): JsonValue | undefined {
    const [lexeme, integer, fraction, exponent] = this.#match(NUMBER) ?? [];
    if (lexeme === undefined || integer === undefined) return undefined;
    if (fraction !== undefined || exponent !== undefined) return Number(lexeme);
    const digits = integer.length - (integer.startsWith("-") ? 1 : 0);
    if (digits > MAX_INTEGER_DIGITS)
      throw new JsonTextError(
        "too-large",
        `an integer has ${digits} digits; Python, hence a node, reads ${MAX_INTEGER_DIGITS} at most`,
      );
    return BigInt(integer);
  }

  #constant(): JsonValue {
    for (const [name, value] of CONSTANTS) if (this.#take(name)) return value;
    throw this.#unexpected("a value");
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match) this.#at = pattern.lastIndex;
    return match;
  }

  #take(token: string): boolean {
    if (!this.text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #skip(): void {
    this.#match(WHITESPACE);
  }

  /** Names the character by its code: untrusted text stays out of messages. */
  #unexpected(wanted: string): JsonTextError {
    const code = this.text.codePointAt(this.#at);
    const found =
      code === undefined ? "the text ends" : `there is U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    return new JsonTextError("not-json", `${found} at character ${this.#at}, where JSON has ${wanted}`);
  }
}

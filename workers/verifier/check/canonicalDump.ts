/**
 * Reads a batch blob in its canonical form straight from bytes into records, at a third of the cost of parsing JSON and
 * decoding strings. Any other form is left to proofs/batchBlob.ts.
 */
import type { BatchLimits } from "../../../proofs/batchBlob.ts";
import { WORD } from "../../../proofs/words.ts";
import { RECORD, RECORD_OVERHEAD } from "./leafRecords.ts";

const SIGNATURE_BYTES = 256;
const RECORD_BYTES = RECORD_OVERHEAD + SIGNATURE_BYTES;
/** Less than any entry of `values`: three hashes and a signature in hex. */
const MIN_ENTRY_BYTES = 2 * (3 * WORD + SIGNATURE_BYTES);
/** A number holds a timestamp of this many digits exactly. */
const MAX_DIGITS = 15;

/** Leaves as records with their words and signatures filled in, and the derived parts still empty. */
export interface DumpedLeaves {
  readonly count: number;
  readonly bytes: Buffer<ArrayBuffer>;
  /** Where each record begins, followed by where the last one ends. */
  readonly offsets: Uint32Array<ArrayBuffer>;
  readonly timestamps: readonly bigint[];
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const LIST = 0x5b;
const END_OF_LIST = 0x5d;
const OBJECT = 0x7b;
const END_OF_OBJECT = 0x7d;

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const COLON = ascii(":");
const FORMAT = [ascii('"format"'), COLON, ascii('"standard-v1"')];
const ENCODING = [
  ...[ascii('"leafEncoding"'), COLON, ascii("[")],
  ...["bytes32", "bytes32", "bytes32", "bytes"].flatMap((type) => [ascii(`"${type}"`), ascii(",")]),
  ...[ascii('"uint256"'), ascii("]")],
];
const TREE = [ascii('"tree"'), COLON];
const VALUES = [ascii('"values"'), COLON];
const VALUE = [ascii('"value"'), COLON];
const TREE_INDEX = [ascii('"treeIndex"'), COLON];

/** The value of each hex digit; 255 for every other byte. */
const NIBBLE = new Uint8Array(256).fill(255);
for (const [value, digit] of [..."0123456789abcdef"].entries()) {
  NIBBLE[digit.charCodeAt(0)] = value;
  NIBBLE[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Reads expected tokens one after the other, skipping JSON white space between them. */
class Scanner {
  #at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  #skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  byte(expected: number): boolean {
    if (this.bytes[this.#at] !== expected) this.#skipSpace();
    if (this.bytes[this.#at] !== expected) return false;
    this.#at++;
    return true;
  }

  texts(expected: readonly Uint8Array[]): boolean {
    for (const text of expected) {
      this.#skipSpace();
      for (const byte of text) if (this.bytes[this.#at++] !== byte) return false;
    }
    return true;
  }

  /** Reads a string of 0x and exactly `length` bytes in hex. */
  hex(into: Uint8Array, offset: number, length: number): boolean {
    const { bytes } = this;
    if (!this.byte(QUOTE) || bytes[this.#at] !== ZERO || bytes[this.#at + 1] !== 0x78) return false;
    const from = this.#at + 2;
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const high = NIBBLE[bytes[from + 2 * i] ?? 0] ?? 255;
      const low = NIBBLE[bytes[from + 2 * i + 1] ?? 0] ?? 255;
      seen |= high | low;
      into[offset + i] = (high << 4) | low;
    }
    const end = from + 2 * length;
    if (seen > 15 || bytes[end] !== QUOTE) return false;
    this.#at = end + 1;
    return true;
  }

  /** Reads a non-negative JSON integer; -1 for anything else, and for more than `MAX_DIGITS` digits. */
  integer(): number {
    this.#skipSpace();
    const from = this.#at;
    let value = 0;
    for (;;) {
      const digit = this.bytes[this.#at] ?? 0;
      if (digit < ZERO || digit > NINE) break;
      value = value * 10 + (digit - ZERO);
      if (++this.#at - from > MAX_DIGITS) return -1;
    }
    const digits = this.#at - from;
    const leadingZero = digits > 1 && this.bytes[from] === ZERO;
    return digits === 0 || leadingZero ? -1 : value;
  }

  /** Reads the same between quotes, without white space. */
  quotedInteger(): number {
    if (!this.byte(QUOTE)) return -1;
    const digit = this.bytes[this.#at] ?? 0;
    const value = digit < ZERO || digit > NINE ? -1 : this.integer();
    return this.bytes[this.#at++] === QUOTE ? value : -1;
  }

  end(): boolean {
    this.#skipSpace();
    return this.#at === this.bytes.length;
  }
}

/** @returns null when the blob is not in canonical form or exceeds a limit. */
export function readCanonicalDump(blob: Uint8Array, limits: BatchLimits): DumpedLeaves | null {
  if (blob.length > limits.maxBytes) return null;
  const scanner = new Scanner(blob);
  const started =
    scanner.byte(OBJECT) &&
    scanner.texts(FORMAT) &&
    scanner.byte(COMMA) &&
    scanner.texts(ENCODING) &&
    scanner.byte(COMMA) &&
    scanner.texts(TREE) &&
    skipTree(scanner, limits) &&
    scanner.byte(COMMA) &&
    scanner.texts(VALUES) &&
    scanner.byte(LIST);
  if (!started) return null;

  const capacity = Math.min(limits.maxLeaves, Math.floor(blob.length / MIN_ENTRY_BYTES));
  const bytes = Buffer.from(new ArrayBuffer(capacity * RECORD_BYTES));
  const timestamps: bigint[] = [];
  do {
    if (timestamps.length === capacity) return null;
    const timestamp = readEntry(scanner, bytes, timestamps.length * RECORD_BYTES);
    if (timestamp < 0) return null;
    timestamps.push(BigInt(timestamp));
  } while (scanner.byte(COMMA));
  if (!scanner.byte(END_OF_LIST) || !scanner.byte(END_OF_OBJECT) || !scanner.end()) return null;
  const count = timestamps.length;
  const offsets = Uint32Array.from({ length: count + 1 }, (_, index) => index * RECORD_BYTES);
  return { count, bytes: bytes.subarray(0, count * RECORD_BYTES), offsets, timestamps };
}

/** Skips the tree after checking its syntax: the values determine it. */
function skipTree(scanner: Scanner, { maxLeaves }: BatchLimits): boolean {
  if (!scanner.byte(LIST)) return false;
  const node = new Uint8Array(WORD);
  let nodes = 0;
  do {
    if (++nodes > 2 * maxLeaves || !scanner.hex(node, 0, WORD)) return false;
  } while (scanner.byte(COMMA));
  return scanner.byte(END_OF_LIST);
}

/** @returns the timestamp; -1 when the entry is not in canonical form. */
function readEntry(scanner: Scanner, record: Buffer, at: number): number {
  const read =
    scanner.byte(OBJECT) &&
    scanner.texts(VALUE) &&
    scanner.byte(LIST) &&
    scanner.hex(record, at + RECORD.teeId, WORD) &&
    scanner.byte(COMMA) &&
    scanner.hex(record, at + RECORD.inputHash, WORD) &&
    scanner.byte(COMMA) &&
    scanner.hex(record, at + RECORD.outputHash, WORD) &&
    scanner.byte(COMMA) &&
    scanner.hex(record, at + RECORD.signature, SIGNATURE_BYTES) &&
    scanner.byte(COMMA);
  if (!read) return -1;
  const timestamp = scanner.quotedInteger();
  const ended =
    timestamp >= 0 &&
    scanner.byte(END_OF_LIST) &&
    scanner.byte(COMMA) &&
    scanner.texts(TREE_INDEX) &&
    scanner.integer() >= 0 &&
    scanner.byte(END_OF_OBJECT);
  if (!ended) return -1;
  const low = at + RECORD.timestamp + WORD - 4;
  record.writeUInt32BE(timestamp % 2 ** 32, low);
  record.writeUInt32BE(Math.floor(timestamp / 2 ** 32), low - 4);
  return timestamp;
}

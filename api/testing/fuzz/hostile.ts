/** Input that breaks programs: what strangers send, by mistake or on purpose. For tests only. */
import fc from "fast-check";
import { forgedCursors, forgedIds } from "./forged.ts";

/** Each has broken a parser, a driver or a database somewhere. */
const TEXTS: readonly string[] = [
  "",
  " ",
  "\t\r\n",
  "\0",
  "a\0b",
  "\ud800",
  "a\udfff",
  "\u202eevil",
  "\ufeff1",
  "e\u0301",
  "🧨".repeat(300),
  "'",
  '"',
  "\\",
  "' or 1=1 --",
  "'; drop table og.node; --",
  "1) union select 1 --",
  "$1",
  "%s%n",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text itself is meant
  "${1+1}",
  "{{1+1}}",
  "<script>alert(1)</script>",
  "\r\nX-Injected: 1",
  "../../etc/passwd",
  "..\\..\\",
  "%2e%2e%2f",
  "%",
  "%zz",
  "%00",
  "+",
  "&",
  "#",
  "?",
  "a,b",
  ",",
  ",,,",
  "null",
  "undefined",
  "true",
  "TRUE",
  "false",
  "[]",
  "{}",
  "[object Object]",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "0",
  "-0",
  "-1",
  "+1",
  "1.0",
  "1.5",
  "1e3",
  "1e400",
  "0x1F",
  "0b1",
  "00001",
  "NaN",
  "Infinity",
  "-Infinity",
  "١٢٣",
  "１２",
  "²",
  "1_000",
  "1,000",
  "2147483647",
  "2147483648",
  "4294967296",
  "32503680000",
  "32503680001",
  "1800000000000",
  "1800000000000000000",
  "9007199254740991",
  "9007199254740992",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551616",
  "9".repeat(79),
  "0x",
  `0x${"f".repeat(39)}`,
  `0x${"f".repeat(40)}`,
  `0x${"g".repeat(40)}`,
  `0X${"F".repeat(64)}`,
  `0x${"f".repeat(64)}`,
  `0X${"F".repeat(40)}`,
  `10740-0X${"F".repeat(64)}-0`,
  `0x${"f".repeat(65)}`,
  `10740-0x${"f".repeat(64)}-99999999999`,
  `99999999999999999999-0x${"f".repeat(64)}-0`,
  "x".repeat(1_024),
  "x".repeat(1_025),
  "x".repeat(10_240),
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }) },
);

/** Values that JSON can carry where others are meant. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: hostileText },
  {
    weight: 3,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      0,
      -1,
      1.5,
      0.5,
      2 ** 31,
      -(2 ** 31) - 1,
      2 ** 40,
      2 ** 53 - 1,
      2 ** 53,
      1e308,
      Number.MIN_VALUE,
      [],
      [[]],
      {},
      [null],
      { length: 1 },
      "0".repeat(66),
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

/** Valid text, made wrong or merely unusual in one place. */
export const nearly = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constantFrom(
      text.slice(0, -1),
      text.slice(1),
      `${text}0`,
      ` ${text}`,
      `${text}\n`,
      `${text}\0`,
      `${text},${text}`,
      `${text},`,
      text.toUpperCase(),
      `-${text}`,
      `${text}'`,
      `${text}%`,
    ),
    fc
      .tuple(fc.nat(Math.max(0, text.length - 1)), hostileText)
      .map(([place, put]) => text.slice(0, place) + put.slice(0, 20) + text.slice(place + 1)),
  );

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Every place in a JSON value, as keys from its root. */
function placesIn(value: unknown): readonly (readonly string[])[] {
  if (!isObject(value)) return [[]];
  const below = Object.entries(value).flatMap(([key, part]) => placesIn(part).map((rest) => [key, ...rest]));
  return [[], ...below];
}

function put(value: unknown, [key, ...rest]: readonly string[], part: unknown): unknown {
  if (key === undefined || !isObject(value)) return part;
  const copy: Record<string, unknown> = Array.isArray(value) ? Object.assign([], value) : { ...value };
  copy[key] = put(copy[key], rest, part);
  return copy;
}

const packed = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString("base64url");

/** JSON with one part replaced by any other. */
function otherJson(bytes: Buffer): fc.Arbitrary<string> | null {
  let said: unknown;
  try {
    said = JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
  return fc
    .tuple(fc.constantFrom(...placesIn(said)), hostileJson)
    .map(([place, part]) => packed(JSON.stringify(put(said, place, part)) ?? ""));
}

/** Bytes with one of them replaced, or fewer or more of them. */
const otherBytes = (bytes: Buffer): fc.Arbitrary<string> =>
  fc.oneof(
    fc
      .tuple(fc.nat(bytes.length - 1), fc.nat(255))
      .map(([place, byte]) => packed(bytes.map((old, index) => (index === place ? byte : old)))),
    fc.nat(bytes.length).map((length) => packed(bytes.subarray(0, length))),
    fc.uint8Array({ maxLength: 80 }).map((more) => packed(Buffer.concat([bytes, more]))),
  );

/** A cursor of this API with something else in it, or text that is none any more. */
export function tampered(cursor: string): fc.Arbitrary<string> {
  const bytes = Buffer.from(cursor, "base64url");
  const json = otherJson(bytes);
  return fc.oneof(
    { weight: 3, arbitrary: json ?? otherBytes(bytes) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...(json === null ? forgedIds(cursor) : forgedCursors(cursor).map(({ text }) => text)),
      ),
    },
    { weight: 1, arbitrary: nearly(cursor) },
  );
}

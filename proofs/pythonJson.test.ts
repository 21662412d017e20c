import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonTextError, readJson } from "./jsonText.ts";
import { pythonJson } from "./pythonJson.ts";
import { dumpedByPython, pythonVersion } from "./testing/python.ts";

const rewritten = (text: string): string => {
  try {
    return pythonJson(readJson(text));
  } catch (error) {
    return error instanceof JsonTextError ? `!${error.code}` : `!${error}`;
  }
};

/** Numbers whose spelling differs between the two languages, or between what is read and what is written. */
const NUMBERS =
  `1 1.0 0 -0 0.0 -0.0 -0e0 0.1 0.7 1e-7 1E-7 1.5e-7 0.0001 0.00001 0.000123 123456789.123 1e5 1e15 1e16 1e17 1e20
  1e21 1e22 1e23 1.5e300 9999999999999998.0 9999999999999999.0 1e400 -1e400 1e-400 5e-324 2.5e-323 1.7976931348623157e308
  2.2250738585072014e-308 9007199254740991 9007199254740993 9007199254740993.0 -9007199254740993 123456789012345678901234567890
  0.30000000000000004 3.0000000000000004 4.35 100.0 1e2 1.10 1E+2 1e0 -1.5E-10 NaN Infinity -Infinity`.split(
    /\s+/,
  );

const TEXTS = [
  "null",
  " \t\r\n[ true , false ]\n",
  "[]",
  "{}",
  '{"a": {}, "b": [[]]}',
  '""',
  '"Zürich \\u00fc \\u2028 \u2028 \u2029 \u007f \u0080 \u00a0 \ufeff \uffff"',
  '"\\b\\f\\n\\r\\t\\/\\\\\\"\\u0000\\u001f\\u001B"',
  '"😀 \\ud83d\\ude00 \\uD83D\\uDE00"',
  '"\\ud83d lone, \\ude00\\ud83d turned round, \\ud83d\\ud83d\\ude00 one too many"',
  '{"\\ud83d": 1, "\\ud83d\\uffff": 2, "\\ud83d\\ude00": 3, "\\ude00": 4}',
  '{"\uffff": 1, "😀": 2, "z": 3, "\ue000": 4, "𐀀": 5, "Z": 6, "": 7, "é": 8}',
  '{"b": 1, "a": 2, "b": 3.0, "10": 4, "9": 5, "__proto__": {"x": 1}, "constructor": 0}',
  '{"😀a": 1, "😀": 2, "😀b": 3, "😁": 4}',
  `${"[".repeat(150)}${"]".repeat(150)}`,
  `[${"7".repeat(4300)}, -${"7".repeat(4300)}]`,
];

const NOT_JSON = [
  ...[
    "",
    " ",
    "\ufeff1",
    "01",
    "-",
    "1.",
    ".5",
    "+1",
    "1e",
    "0x1",
    "1_0",
    "-NaN",
    "Infinit",
    "nan",
    "True",
    "undefined",
  ],
  ...[
    "[1,]",
    "[,1]",
    "[1 2]",
    "[",
    "]",
    "{",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "{1:1}",
    "'a'",
    "1 2",
    "\u00a01",
    "1\u000b",
  ],
  ...[
    '"',
    '"\\',
    '"\\u12',
    '"\\u00zz"',
    '"\\u+123"',
    '"\\x41"',
    '"\t"',
    '"\n"',
    '"\u0000"',
    "/**/1",
    "[1]//",
    `[${"7".repeat(4301)}]`,
  ],
];

describe.skipIf(pythonVersion === null)("beside python3", () => {
  it("writes numbers as json.dumps does", () => {
    expect(NUMBERS.map(rewritten)).toEqual(dumpedByPython(NUMBERS));
  });

  it("writes strings, keys and nesting as json.dumps(sort_keys=True) does", () => {
    expect(TEXTS.map(rewritten)).toEqual(dumpedByPython(TEXTS));
  });

  it("refuses what json.loads refuses", () => {
    expect(dumpedByPython(NOT_JSON).filter((answer) => !answer.startsWith("!"))).toEqual([]);
    expect(NOT_JSON.map(rewritten).filter((answer) => !/^!(not-json|too-large)$/.test(answer))).toEqual([]);
  });

  it("agrees on any JSON value", () => {
    const texts = fc.sample(jsonText, { numRuns: 3000, seed: 20261101 });
    expect(texts.map(rewritten)).toEqual(dumpedByPython(texts));
  });

  it("agrees on any float", () => {
    const texts = fc.sample(fc.double(), { numRuns: 20_000, seed: 20261101 }).map((float) =>
      // JavaScript writes whole floats as integers, and no lexeme of a float is too long.
      Number.isFinite(float) ? float.toExponential() : String(float),
    );
    expect(texts.map(rewritten)).toEqual(dumpedByPython(texts));
  });
});

it("keeps apart what Python keeps apart", () => {
  expect(readJson('[1, 1.0, -0.0, 9007199254740993, "\\ud83d"]')).toEqual([
    1n,
    1,
    -0,
    9007199254740993n,
    "\ud83d",
  ]);
  expect([...(readJson('{"b": 1, "10": 2, "a": 3, "b": 4}') as ReadonlyMap<string, unknown>)]).toEqual([
    ["b", 4n],
    ["10", 2n],
    ["a", 3n],
  ]);
});

/** Any text of a JSON value: strings of any UTF-16 units, some escaped and some not, equal keys, odd numbers and blanks. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => {
  const unit = fc.oneof(
    fc.integer({ min: 0x20, max: 0x7f }),
    fc.integer({ min: 0, max: 0xffff }),
    fc.integer({ min: 0xd7f0, max: 0xe010 }),
    fc.constantFrom(0x22, 0x5c, 0x2f, 0x0a, 0xffff),
  );
  const string = fc.array(fc.tuple(unit, fc.boolean()), { maxLength: 12 }).map(
    (units) =>
      `"${units
        .map(([code, escaped]) => {
          const character = String.fromCharCode(code);
          // Only an escape can stand for a surrogate, a control, a quote or a backslash.
          return escaped || code < 0x20 || /["\\\ud800-\udfff]/.test(character)
            ? `\\u${code.toString(16).padStart(4, "0")}`
            : character;
        })
        .join("")}"`,
  );
  const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,24})$/);
  const number = fc
    .tuple(
      fc.constantFrom("", "-"),
      digits,
      fc.option(fc.stringMatching(/^\.[0-9]{1,20}$/)),
      fc.option(fc.stringMatching(/^[eE][-+]?[0-9]{1,3}$/)),
    )
    .map((parts) => parts.map((part) => part ?? "").join(""));
  const blank = fc.constantFrom("", " ", "\n\t\r ");
  const list = fc
    .tuple(fc.array(tie("value"), { maxLength: 5 }), blank)
    .map(([values, gap]) => `[${gap}${values.join(`,${gap}`)}]`);
  const object = fc
    .tuple(fc.array(fc.tuple(string, tie("value")), { maxLength: 6 }), blank)
    .map(
      ([entries, gap]) =>
        `{${gap}${entries.map(([key, value]) => `${key}${gap}:${value}`).join(`${gap},${gap}`)}}`,
    );
  return {
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom("null", "true", "false", "NaN", "-Infinity", "{}", "[]"),
      string,
      number,
      list,
      object,
    ),
  };
}).value;

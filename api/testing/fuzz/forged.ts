/** Cursors and ids with one part changed, as a client could write them. For tests only. */

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** Extreme and ill-typed values for a member. */
const PARTS: readonly unknown[] = [
  -1,
  0,
  1,
  0.5,
  2 ** 31,
  2 ** 40,
  2 ** 53 - 1,
  2 ** 53,
  1e308,
  null,
  true,
  "",
  "x",
  "a\0b",
  "\ud800",
  `0x${"0".repeat(64)}`,
  [],
  {},
];

export interface ForgedCursor {
  /** What was done, for a failure's message. */
  readonly what: string;
  readonly text: string;
  /** It may name a place in a list, or a state, that could have been: an answer is right, too. */
  readonly mayHold: boolean;
}

const pathsIn = (value: unknown): readonly (readonly string[])[] =>
  isObject(value)
    ? [[], ...Object.entries(value).flatMap(([key, part]) => pathsIn(part).map((rest) => [key, ...rest]))]
    : [[]];

const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((part, key) => (isObject(part) ? part[key] : undefined), value);

type Change = (holder: Record<string, unknown>, key: string) => void;

function changed(value: unknown, path: readonly string[], change: Change): string {
  const holder = { root: structuredClone(value) };
  const whole = ["root", ...path];
  const parent = at(holder, whole.slice(0, -1));
  if (isObject(parent)) change(parent, whole.at(-1) ?? "");
  return JSON.stringify(holder.root) ?? "";
}

const packed = (text: string): string => Buffer.from(text).toString("base64url");

/** Every member of a cursor replaced by every part, left out, and beside one more; and other spellings of the same. */
export function forgedCursors(cursor: string): readonly ForgedCursor[] {
  const json = Buffer.from(cursor, "base64url").toString();
  const said: unknown = JSON.parse(json);
  const forged: ForgedCursor[] = [];
  for (const path of pathsIn(said)) {
    const name = path.join(".");
    const old = at(said, path);
    for (const part of PARTS) {
      const text = packed(
        changed(said, path, (holder, key) => {
          holder[key] = part;
        }),
      );
      const isPlace = path[0] === "k" && path.length > 1;
      const isEarlierProofs = name === "p" && typeof part === "number" && part <= Number(old);
      const isWithoutOptional = (name === "og" || name === "base" || name === "p") && part === null;
      const mayHold = isPlace || isEarlierProofs || isWithoutOptional;
      if (text !== cursor) forged.push({ what: `${name} = ${JSON.stringify(part)}`, text, mayHold });
    }
    if (path.length > 0) {
      const without: Change = (holder, key) =>
        Array.isArray(holder) ? holder.splice(Number(key), 1) : Reflect.deleteProperty(holder, key);
      forged.push({ what: `without ${name}`, text: packed(changed(said, path, without)), mayHold: false });
    }
    if (isObject(old)) {
      const more: Change = (holder, key) => {
        const part = holder[key];
        holder[key] = Array.isArray(part) ? [...part, 0] : { ...(isObject(part) ? part : {}), more: 0 };
      };
      forged.push({ what: `more in ${name}`, text: packed(changed(said, path, more)), mayHold: false });
    }
  }
  const spellings = [
    ...otherSpellings(cursor),
    packed(` ${json}`),
    packed(json.replace(/"v":3/, '"v":3.0')),
    packed(json.replace(/"v":3/, '"v":3e0')),
    packed(json.replace(/"v":3/, '"v":3,"v":3')),
    packed(json.replace(/"k"/, '"\\u006b"')),
  ];
  return [...forged, ...spellings.map((text) => ({ what: `spelt ${text}`, text, mayHold: false }))];
}

const otherSpellings = (text: string): readonly string[] => [
  `${text}!`,
  `${text}=`,
  `${text}==`,
  `${text}\n`,
  ` ${text}`,
  `${text.slice(0, 4)} ${text.slice(4)}`,
  `${text.slice(0, 4)}!${text.slice(4)}`,
  `${text}A`,
  text.slice(1),
  `${text}${text}`,
];

const NUMBERS = ["-1", "00", "1e3", "0x1", "2147483648", "9007199254740993", "9".repeat(40), "", "1.0", "-0"];

/** An id that is not that one: every number in it replaced, every hash, and other spellings of it. */
export function forgedIds(id: string): readonly string[] {
  const numbers = [...id.matchAll(/(?<![0-9a-zA-Z])\d+(?![0-9a-fx])/g)].flatMap(({ index, 0: digits }) =>
    NUMBERS.map((other) => id.slice(0, index) + other + id.slice(index + digits.length)),
  );
  const hashes = [...id.matchAll(/[0-9a-f]{16,}/g)].flatMap(({ index, 0: digits }) =>
    ["", "0", "f".repeat(digits.length), `${digits}0`, digits.slice(1), "g".repeat(digits.length)].map(
      (other) => id.slice(0, index) + other + id.slice(index + digits.length),
    ),
  );
  return [...numbers, ...hashes, ...otherSpellings(id), `${id}\0`].filter((text) => text !== id);
}

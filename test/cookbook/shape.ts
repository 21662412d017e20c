/** Checks whether an answer has the shape that the document shows: real answers have more members and other values. */

const kindOf = (value: unknown): string =>
  Array.isArray(value) ? "array" : value === null ? "null" : typeof value;

/** Lists differences from the shown answer: missing members, and values of another type. Null may be anything. */
export function unlike(shown: unknown, real: unknown, at = "$"): readonly string[] {
  if (real === undefined) return [`${at} is missing`];
  if (shown === null || real === null) return [];
  if (kindOf(shown) !== kindOf(real)) return [`${at} is shown as ${kindOf(shown)} and is ${kindOf(real)}`];
  if (Array.isArray(shown) && Array.isArray(real))
    return shown.flatMap((item) => {
      const tries = real.map((other, index) => unlike(item, other, `${at}[${index}]`));
      return tries.some((differences) => differences.length === 0)
        ? []
        : (tries[0] ?? [`${at} is shown with items and has none`]);
    });
  if (typeof shown === "object" && typeof real === "object")
    return Object.entries(shown).flatMap(([name, value]) =>
      unlike(value, Reflect.get(real, name), `${at}.${name}`),
    );
  return [];
}

/** The last of the JSON texts that commands printed one after another. */
export function lastJson(text: string): unknown {
  const all = text.trim().split(/(?<=\})\s*(?=\{)/);
  // A split between two objects of one text: no text at all.
  return JSON.parse(all.at(-1) ?? "");
}

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Lists lines that are shown but not printed; `…` matches anything, and any number matches any other. */
export function linesMissing(shown: string, printed: string): readonly string[] {
  const lines = printed.split("\n");
  return shown.split("\n").filter((line) => {
    const pattern = line
      .split(/(0x[0-9a-f]+…?|…|\d+(?:[.,]\d+)*)/)
      .map((part) => {
        if (part.startsWith("0x")) return "0x[0-9a-f]+";
        if (part === "…") return ".*";
        return /^\d/.test(part) ? "\\d+(?:[.,]\\d+)*" : literally(part);
      })
      .join("");
    return !lines.some((one) => new RegExp(`^${pattern}$`).test(one.trimEnd()));
  });
}

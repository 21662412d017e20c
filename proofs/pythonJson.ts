/**
 * Writes JSON like Python's `json.dumps(value, sort_keys=True)`, byte for byte: this is what nodes hash.
 * @see docs/protocol.md, "What is hashed"
 */

/**
 * A JSON value as Python holds it: a `bigint` is an int (`1`), a `number` a float (`1.0`), an object a map in the order
 * of its keys' first appearance. Nothing that `json.loads` tells apart is lost.
 */
export type JsonValue = null | boolean | string | bigint | number | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

// Array.isArray does not narrow readonly arrays.
export const isJsonList = (value: JsonValue): value is readonly JsonValue[] => Array.isArray(value);
export const isJsonObject = (value: JsonValue | undefined): value is JsonObject => value instanceof Map;

/** Whether Python's `if value:` would hold: not for null, false, zero and what is empty; absent counts as null. */
export function isTruthy(value: JsonValue | undefined): boolean {
  if (isJsonObject(value)) return value.size > 0;
  if (typeof value === "object" && value !== null) return value.length > 0;
  // NaN is true in Python.
  return Boolean(value) || Number.isNaN(value);
}

/** @param value - not nested deeper than the stack allows: read it with a limit. */
export function pythonJson(value: JsonValue): string {
  if (typeof value === "string") return asciiString(value);
  if (typeof value === "number") return pythonFloat(value);
  if (isJsonList(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (!isJsonObject(value)) return String(value);
  const compare = [...value.keys()].some((key) => SURROGATE.test(key)) ? compareCodePoints : compareUnits;
  const entries = [...value].sort(([a], [b]) => compare(a, b));
  return `{${entries.map(([key, entry]) => `${asciiString(key)}: ${pythonJson(entry)}`).join(", ")}}`;
}

/**
 * A float as Python's `repr` writes it: the shortest digits that read back as the same float, like JavaScript's, but
 * with `.0` on whole numbers, and an exponent of two digits at least from 1e16 up and below 1e-4.
 */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power < -4 || power >= 16)
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** JavaScript escapes quotes, controls and lone surrogates the same way; Python also what is not printable ASCII, DEL too. */
const asciiString = (text: string): string => JSON.stringify(text).replace(/[^ -~]+/g, escapeUnits);

/** A pair of surrogates becomes two escapes. */
function escapeUnits(run: string): string {
  let escaped = "";
  for (let index = 0; index < run.length; index++)
    escaped += `\\u${run.charCodeAt(index).toString(16).padStart(4, "0")}`;
  return escaped;
}

const SURROGATE = /[\ud800-\udfff]/;
const compareUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Python's order of strings; JavaScript's goes by UTF-16 units, which puts U+FF5E after U+1F600. */
function compareCodePoints(a: string, b: string): number {
  for (let index = 0; ; ) {
    const [left, right] = [a.codePointAt(index), b.codePointAt(index)];
    if (left === undefined || right === undefined) return a.length - b.length;
    if (left !== right) return left - right;
    index += left > 0xffff ? 2 : 1;
  }
}

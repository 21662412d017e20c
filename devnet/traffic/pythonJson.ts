/** JSON as Python's `json.dumps(value, sort_keys=True)` writes it: what nodes hash (ASCII only, `", "` and `": "`). */

/** A number Python holds as a float: whole values keep their `.0`. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

export type PythonValue =
  | string
  | number
  | boolean
  | null
  | PythonFloat
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

export function pythonJson(value: PythonValue): string {
  if (value instanceof PythonFloat)
    return Number.isInteger(value.value) ? `${value.value}.0` : String(value.value);
  if (typeof value === "string") return asciiString(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(pythonJson).join(", ")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, entry]) => `${asciiString(key)}: ${pythonJson(entry)}`).join(", ")}}`;
}

// Array.isArray does not narrow readonly arrays.
const isList = (value: object): value is readonly PythonValue[] => Array.isArray(value);

const asciiString = (text: string) =>
  JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

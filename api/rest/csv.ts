/** The CSV twin of a list: one column per leaf of the item's schema, text that a spreadsheet would execute defused. */
import { createHash } from "node:crypto";
import type { z } from "@hono/zod-openapi";
import { stringify } from "csv-stringify/sync";

interface Column {
  readonly header: string;
  readonly path: readonly string[];
}

const unwrap = (schema: z.ZodType): z.ZodType => {
  const { def } = schema as unknown as { def: { type: string; innerType?: z.ZodType } }; // zod's own introspection
  return def.type === "nullable" && def.innerType !== undefined ? unwrap(def.innerType) : schema;
};

/** The columns of an object schema: nested objects become `outer.inner`, lists one cell of JSON; what may be absent is none. */
export function csvColumns(schema: z.ZodType, path: readonly string[] = []): readonly Column[] {
  // as above
  const { def } = unwrap(schema) as unknown as {
    def: { type: string; shape?: Readonly<Record<string, z.ZodType>> };
  };
  if (def.type !== "object" || def.shape === undefined) return [{ header: path.join("."), path }];
  return Object.entries(def.shape).flatMap(([name, member]) =>
    member.def.type === "optional" ? [] : csvColumns(member, [...path, name]),
  );
}

/** What a cell of a spreadsheet holds, less the quote that may be put before it. */
const MAX_CELL_LENGTH = 32_766;

/** A text that is too long is cut, and ends in an ellipsis then. */
const textCell = (text: string): string =>
  text.length <= MAX_CELL_LENGTH ? text : `${text.slice(0, MAX_CELL_LENGTH - 1)}…`;

/** JSON that is too long is no JSON when it is cut: an object tells its length and hash instead, and how it begins. */
function jsonCell(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.length <= MAX_CELL_LENGTH) return text;
  const sha256 = `0x${createHash("sha256").update(text).digest("hex")}`;
  return JSON.stringify({ characters: text.length, sha256, begins: text.slice(0, 1_000) });
}

const cell = (item: unknown, path: readonly string[]): string | number | undefined => {
  let value: unknown = item;
  for (const name of path)
    value = typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
  if (value === null || value === undefined) return undefined;
  if (typeof value === "number") return value;
  if (typeof value === "string") return textCell(value);
  return typeof value === "boolean" ? String(value) : jsonCell(value);
};

const write = (rows: readonly (readonly (string | number | undefined)[])[]): string =>
  stringify([...rows.map((row) => [...row])], { escape_formulas: true, quoted_match: /[\r\n\t]/ });

export const csvHeader = (columns: readonly Column[]): string => write([columns.map(({ header }) => header)]);

export const csvRows = (columns: readonly Column[], items: readonly unknown[]): string =>
  items.length === 0 ? "" : write(items.map((item) => columns.map(({ path }) => cell(item, path))));

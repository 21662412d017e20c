/** The formats of lists: JSON, CSV and NDJSON, written page by page. */
import type { z } from "@hono/zod-openapi";
import { csvColumns, csvHeader, csvRows } from "./csv.ts";

export const LIST_FORMATS = ["json", "csv", "ndjson"] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

/** Writes the pages of a list one after another in one of its formats. */
export interface ListWriter {
  readonly contentType: string;
  readonly begin: string;
  readonly items: (items: readonly unknown[], place: "first" | "later") => string;
  readonly end: (pageInfo: { readonly endCursor: string | null; readonly hasNextPage: boolean }) => string;
  /** How the format says that the list is not whole; without it nothing but a broken connection does. */
  readonly failure?: (problem: Readonly<Record<string, unknown>>) => string;
}

export function writerOf(format: ListFormat, item: z.ZodType): ListWriter {
  if (format === "csv") {
    const columns = csvColumns(item);
    return {
      contentType: "text/csv; charset=utf-8; header=present",
      begin: csvHeader(columns),
      items: (items) => csvRows(columns, items),
      end: () => "",
    };
  }
  if (format === "ndjson")
    return {
      contentType: "application/x-ndjson",
      begin: "",
      items: (items) => items.map((one) => `${JSON.stringify(one)}\n`).join(""),
      end: () => "",
      failure: (problem) => `${JSON.stringify(problem)}\n`,
    };
  return {
    contentType: "application/json",
    begin: '{"items":[',
    items: (items, place) =>
      (place === "later" && items.length > 0 ? "," : "") + items.map((one) => JSON.stringify(one)).join(","),
    end: (pageInfo) => `],"pageInfo":${JSON.stringify(pageInfo)}}`,
  };
}

/** The length of a list, as fields of every connection. */
import type { GraphQLCompositeType } from "graphql";
import { type FieldReads, NOTHING } from "../execution/plan/reads.ts";
import { builder } from "./builder.ts";

declare module "graphql" {
  interface GraphQLObjectTypeExtensions<_TSource, _TContext> {
    /** For a connection: estimated rows that counting its list reads. */
    countedRows?: number;
  }
}

/** The cost of a count, in rows: counting `MAX_COUNTED` index entries takes as long as reading this many rows of a page. */
const COUNTED_ROWS = 150;

/** Declares a higher cost, for a connection whose count looks up each entry elsewhere as well. */
export const counting = (countedRows: number) => ({ extensions: { countedRows } });

const counts = {
  reads: (_: unknown, { extensions }: GraphQLCompositeType): FieldReads => ({
    sources: NOTHING,
    rows: typeof extensions.countedRows === "number" ? extensions.countedRows : COUNTED_ROWS,
  }),
};

builder.globalConnectionFields((t) => ({
  totalCount: t.int({
    nullable: true,
    description:
      "Items in the whole list, whatever the page; null when there are more than 10,000. Counted only when selected.",
    extensions: counts,
    resolve: async (connection) => {
      const { counted, extent } = await connection.length();
      return extent === "exact" ? counted : null;
    },
  }),
  totalCountAtLeast: t.int({
    description: "Items in the whole list, counted up to 10,000.",
    extensions: counts,
    resolve: async (connection) => (await connection.length()).counted,
  }),
}));

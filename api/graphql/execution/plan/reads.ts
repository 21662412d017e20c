/** What a field reads, declared beside the field for the planner: from which sources, and how many rows. */
import type { GraphQLCompositeType } from "graphql";
import type { Sources } from "../../../queries/state/answerState.ts";

export interface FieldReads {
  readonly sources: Sources;
  /** Rows read for the field itself, about. */
  readonly rows: number;
  /** Of a connection: rows read for each item of a page. */
  readonly rowsPerItem?: number;
  /** How many items there are, where Relay's arguments do not say. */
  readonly items?: number;
  /** It is answered from the snapshot that selections are made from, and the whole request with it. */
  readonly selects?: true;
  /** The answer changes with the clock: nobody may keep it. */
  readonly momentary?: true;
}

type Arguments = Readonly<Record<string, unknown>>;

declare module "graphql" {
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs> {
    /** A function where the arguments decide, or the type that the field belongs to. */
    reads?: FieldReads | ((args: Arguments, type: GraphQLCompositeType) => FieldReads);
  }
}

/** The sources of a field that is answered without reading a chain. */
export const NOTHING: Sources = { required: [] };

/** Marks a field that reads `rows` rows, about. */
export const readsRows = (sources: Sources, rows = 1) => ({ reads: { sources, rows } satisfies FieldReads });

/** Marks a connection: `rowsPerItem` rows for each item of a page, `rows` to find them. */
export const readsPage = (sources: Sources, rowsPerItem = 1, rows = 2) => ({
  reads: { sources, rows, rowsPerItem } satisfies FieldReads,
});

/** What a field reads, declared beside the field for the planner: from which sources, and how many rows. */
import type { GraphQLCompositeType } from "graphql";
import type { Sources } from "../../../queries/state/answerState.ts";

export interface FieldReads {
  readonly sources: Sources;
  /** Estimated rows read for the field itself. */
  readonly rows: number;
  /** For a connection: estimated rows read per item of a page. */
  readonly rowsPerItem?: number;
  /** The number of items, where Relay's arguments do not say. */
  readonly items?: number;
  /** The field selects nodes: the whole request is answered from the state of the snapshot that it selects from. */
  readonly selects?: true;
  /** The answer changes with the clock, so no cache may keep it. */
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

/** Declares a field that reads about `rows` rows. */
export const readsRows = (sources: Sources, rows = 1) => ({ reads: { sources, rows } satisfies FieldReads });

/** Declares a connection that reads about `rows` rows to find a page and `rowsPerItem` for each of its items. */
export const readsPage = (sources: Sources, rowsPerItem = 1, rows = 2) => ({
  reads: { sources, rows, rowsPerItem } satisfies FieldReads,
});

/** What a field has its answer from and how much it reads, kept beside the field for whoever plans a query. */
import type { GraphQLCompositeType } from "graphql";
import type { ChainName } from "../../../config/environment.ts";
import type { Sources } from "../../queries/state/answerState.ts";

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

const chains = (
  required: readonly ChainName[],
  optional: readonly ChainName[] = [],
): Pick<Sources, "required" | "optional"> => ({ required, optional });

/** The sources that fields have their answers from. */
export const FROM = {
  og: chains(["og"]),
  base: chains(["base"]),
  /** OpenGradient; Base's part is null while Base cannot be answered from. */
  ogAndMaybeBase: chains(["og"], ["base"]),
  /** Base; OpenGradient's part is null while OpenGradient cannot be answered from. */
  baseAndMaybeOg: chains(["base"], ["og"]),
  /** OpenGradient with what the verifier found out. */
  proofs: { ...chains(["og"]), proofs: "read" },
  nothing: chains([]),
} as const satisfies Record<string, Sources>;

/** Marks a field that reads `rows` rows, about. */
export const readsRows = (sources: Sources, rows = 1) => ({ reads: { sources, rows } satisfies FieldReads });

/** Marks a connection: `rowsPerItem` rows for each item of a page, `rows` to find them. */
export const readsPage = (sources: Sources, rowsPerItem = 1, rows = 2) => ({
  reads: { sources, rows, rowsPerItem } satisfies FieldReads,
});

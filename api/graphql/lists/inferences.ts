/** Lists of inferences, and one of them. */
import type { InferenceFilters } from "../../queries/inferences/inferenceFilters.ts";
import { findInference, type Inference, listInferences } from "../../queries/inferences/inferences.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { timeRange } from "./timeRange.ts";

export const InferenceFilter = builder.inputType("InferenceFilter", {
  description: "Which inferences; all conditions must hold.",
  fields: (t) => ({
    teeId: t.field({ type: "Hex", description: "Of this node, 32 bytes." }),
    payer: t.field({ type: "Address", description: "A settlement of it claims this payer." }),
    inputHash: t.field({ type: "Hex", description: "With this request's hash, 32 bytes." }),
    outputHash: t.field({ type: "Hex", description: "With this answer's hash, 32 bytes." }),
    model: t.string({ description: "Run with this model, by its exact name." }),
    signatureValid: t.boolean({ description: "Only those whose signature is valid, or invalid." }),
    counted: t.boolean({ description: "Only those that count, or that do not." }),
    ...timeRange(t, "Signed"),
  }),
});

interface InferenceArguments extends PagingArguments {
  readonly filter?: typeof InferenceFilter.$inferInput | null | undefined;
}

/** @param list - names the field, and the object it hangs on. */
export function inferences(
  view: View,
  list: string,
  args: InferenceArguments,
  fixed: InferenceFilters = {},
): Connection<Seen<Inference>> {
  const { state } = view;
  const filters = filtersOf(args.filter, fixed);
  return connect(state, args, {
    list,
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "hash"],
    sources: FROM.proofs,
    read: async (transaction, page) =>
      listInferences(transaction, state.proofs, await view.og(), filters, state.settings.registries, page),
    show: (inference) => view.show(inference),
  });
}

/** Null when no settlement on chain holds it. */
export async function inferenceById(view: View, id: string): Promise<Seen<Inference> | null> {
  const { transaction, proofs, settings } = view.state;
  const inference = await findInference(transaction, proofs, await view.og(), id, settings.registries);
  return inference === null ? null : view.show(inference);
}

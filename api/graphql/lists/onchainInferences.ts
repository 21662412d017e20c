/** Lists of on-chain inferences. */
import { ApiError } from "../../errors.ts";
import {
  listOnchainInferences,
  type OnchainInference,
  type OnchainInferenceFilters,
} from "../../queries/inferences/onchainInferences.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { timeRange } from "./timeRange.ts";

export const OnchainInferenceKind = builder.enumType("OnchainInferenceKind", {
  description: "What was run.",
  values: {
    CHAT: { value: "chat", description: "A chat with a language model." },
    COMPLETION: { value: "completion", description: "A completion by a language model." },
    MODEL: { value: "model", description: "A model on numbers and texts." },
    WORKFLOW: { value: "workflow", description: "A scheduled workflow." },
  } as const,
});

export const ProofMode = builder.enumType("ProofMode", {
  description: "How an on-chain inference is proved.",
  values: {
    VANILLA: { value: "vanilla", description: "Not at all." },
    ZKML: { value: "zkml", description: "By a zero-knowledge proof of the model." },
    TEE: { value: "tee", description: "By an enclave's attestation." },
  } as const,
});

export const OnchainInferenceFilter = builder.inputType("OnchainInferenceFilter", {
  description: "Which on-chain inferences; all conditions must hold.",
  fields: (t) => ({
    mode: t.field({ type: ProofMode, description: "How they are proved." }),
    kind: t.field({ type: OnchainInferenceKind, description: "What was run." }),
    modelCid: t.string({ description: "The model's CID, exactly." }),
    caller: t.field({ type: "Address", description: "Sender of the transaction, or a workflow's caller." }),
    ...timeRange(t, "Run"),
  }),
});

interface OnchainInferenceArguments extends PagingArguments {
  readonly filter?: typeof OnchainInferenceFilter.$inferInput | null | undefined;
}

export function onchainInferences(
  view: View,
  args: OnchainInferenceArguments,
  contents: "with-content" | "without-content",
): Connection<Seen<OnchainInference>> {
  const filters: OnchainInferenceFilters = filtersOf(args.filter, {});
  if (filters.modelCid?.includes("\0"))
    throw new ApiError("invalid-parameter", "modelCid: text without NUL", {
      parameter: "modelCid",
      value: filters.modelCid.slice(0, 200),
      rule: "text without NUL",
    });
  return connect(view.state, args, {
    list: "Query.onchainInferences",
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.og,
    read: async (transaction, page) =>
      listOnchainInferences(transaction, await view.og(), filters, contents, page),
    show: (inference) => view.show(inference),
  });
}

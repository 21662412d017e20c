/** Lists of inferences: their filter, and the fields that are such lists. */
import { INFERENCES } from "../queries/inferences/inferences.ts";
import { builder } from "./builder/builder.ts";
import { connectFiltered } from "./builder/connection.ts";
import { filterFields, timeRange } from "./builder/filters.ts";
import { counting } from "./builder/totalCount.ts";
import { readsPage } from "./execution/plan/reads.ts";
import { InferenceRef } from "./inferences.ts";
import { nodeName, TeeNodeRef } from "./nodes.ts";
import { PayerRef } from "./payers.ts";

export const InferenceConnection = builder.connectionObject(
  {
    type: InferenceRef,
    name: "InferenceConnection",
    description: "A page of inferences.",
    ...counting(1_200),
  },
  { description: "An inference in a page." },
);

export const InferenceFilter = builder.inputType("InferenceFilter", {
  description: "Which inferences; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      INFERENCES.filters,
      {},
      {
        teeId: "Of this node, 32 bytes.",
        payer: "A settlement of it claims this payer.",
        inputHash: "With this request's hash, 32 bytes.",
        outputHash: "With this answer's hash, 32 bytes.",
        model: "Run with this model, by its exact name.",
        signatureValid: "Only those whose signature is valid, or invalid.",
        counted: "Only those that count, or that do not.",
        ...timeRange("Signed"),
      },
    ),
});

/** What every field that is a list of inferences shares. */
export const inferenceList = {
  type: InferenceRef,
  nullable: true,
  args: builder.args((t) => ({
    filter: t.field({ type: InferenceFilter, description: "Which inferences." }),
  })),
  extensions: readsPage(INFERENCES.sources, 3),
} as const;

builder.queryFields((t) => ({
  inferences: t.connection(
    {
      ...inferenceList,
      description: "Inferences that settlements on chain hold, each once, newest signed first.",
      resolve: (_, args, { state }) =>
        connectFiltered(INFERENCES, state.view(null), "Query.inferences", args),
    },
    InferenceConnection,
  ),
}));

builder.objectFields(TeeNodeRef, (t) => ({
  inferences: t.connection(
    {
      ...inferenceList,
      description: "Inferences that name it, newest signed first; `signatureValid` says whether it signed.",
      resolve: (node, args) =>
        connectFiltered(INFERENCES, node.view, `TeeNode.inferences ${nodeName(node)}`, args, {
          teeId: node.teeId,
        }),
    },
    InferenceConnection,
  ),
}));

builder.objectFields(PayerRef, (t) => ({
  claimedInferences: t.connection(
    {
      ...inferenceList,
      description: "Inferences that relayers say it paid for, newest signed first; nobody signed that.",
      resolve: ({ address, view }, args) =>
        connectFiltered(INFERENCES, view, "Payer.claimedInferences", args, { payer: address }),
    },
    InferenceConnection,
  ),
}));

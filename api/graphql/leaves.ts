/** BatchLeaf: a leaf of a batch settlement. */

import { LEAVES, type Leaf } from "../queries/settlements/leaves.ts";
import type { Settlement } from "../queries/settlements/settlements.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect, type ListArguments } from "./builder/connection.ts";
import { filterFields, filtersOf } from "./builder/filters.ts";
import { counting } from "./builder/totalCount.ts";
import { readsPage, readsRows } from "./execution/plan/reads.ts";
import type { Scoped } from "./execution/state.ts";
import { InferenceRef, inferenceById } from "./inferences.ts";
import { SettlementRef } from "./settlements.ts";

const BatchLeafRef = builder.objectRef<Scoped<Leaf>>("BatchLeaf");

const BatchLeafConnection = builder.connectionObject(
  {
    type: BatchLeafRef,
    name: "BatchLeafConnection",
    description: "A page of leaves of a batch.",
    ...counting(400),
  },
  { description: "A leaf in a page." },
);

export const LeafVerdict = builder.enumType("LeafVerdict", {
  description: "What checking a leaf showed.",
  values: {
    VALID: { value: "valid", description: "Signed by the node, which was registered by then." },
    INVALID: {
      value: "invalid",
      description: "Not signed by the node: the relayer's fault, not the node's.",
    },
    UNKNOWN_NODE: {
      value: "unknown-node",
      description: "No such node was registered by then, or no registry has shown its key.",
    },
  } as const,
});

BatchLeafRef.implement({
  description: "A leaf of a batch whose values give its root. Anyone can write a node's name into one.",
  fields: (t) => ({
    leafIndex: t.exposeInt("leafIndex"),
    verdict: t.expose("verdict", { type: LeafVerdict, description: "What checking it showed." }),
    inferenceId: t.expose("inferenceId", { type: "Hex" }),
    inference: t.field({
      type: InferenceRef,
      nullable: true,
      description: "The inference.",
      extensions: readsRows(FROM.proofs, 5),
      resolve: ({ inferenceId, view }) => inferenceById(view, inferenceId),
    }),
    teeId: t.expose("teeId", { type: "Hex" }),
    inputHash: t.expose("inputHash", { type: "Hex" }),
    outputHash: t.expose("outputHash", { type: "Hex" }),
    timestamp: t.exposeString("timestamp"),
    signature: t.expose("signature", { type: "Hex" }),
    signatureBytes: t.exposeInt("signatureBytes"),
    signatureSha256: t.expose("signatureSha256", { type: "Hex", nullable: true }),
  }),
});

const LeafFilter = builder.inputType("BatchLeafFilter", {
  description: "Which leaves; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      LEAVES.filters,
      { verdict: LeafVerdict },
      {
        verdict: "What checking showed.",
      },
    ),
});

function leaves(
  settlement: Scoped<Settlement>,
  args: ListArguments<typeof LEAVES.filters>,
): Connection<Scoped<Leaf>> {
  const filters = filtersOf(LEAVES.filters, args.filter);
  return connect(settlement.view, args, LEAVES, {
    field: "Settlement.leaves",
    wanted: { ...filters, settlement },
    question: { ...filters, id: settlement.id },
  });
}

builder.objectFields(SettlementRef, (t) => ({
  leaves: t.connection(
    {
      type: BatchLeafRef,
      nullable: true,
      description: "Of a batch: its leaves in the blob's order; none while the batch is not proven.",
      args: { filter: t.arg({ type: LeafFilter, description: "Which leaves." }) },
      extensions: readsPage(LEAVES.sources),
      resolve: (settlement, args) => (settlement.kind === "batch" ? leaves(settlement, args) : null),
    },
    BatchLeafConnection,
  ),
}));

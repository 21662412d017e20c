/** Lists of settlements: their filter, and the fields that are such lists. */
import { SETTLEMENTS } from "../queries/settlements/settlements.ts";
import { builder } from "./builder/builder.ts";
import { connectFiltered } from "./builder/connection.ts";
import { filterFields, timeRange } from "./builder/filters.ts";
import { counting } from "./builder/totalCount.ts";
import { readsPage } from "./execution/plan/reads.ts";
import { nodeName, TeeNodeRef } from "./nodes.ts";
import { PayerRef } from "./payers.ts";
import { RelayerRef } from "./relayers.ts";
import { SettlementKind, SettlementRef, Verdict } from "./settlements.ts";

export const SettlementConnection = builder.connectionObject(
  {
    type: SettlementRef,
    name: "SettlementConnection",
    description: "A page of settlements.",
    ...counting(400),
  },
  { description: "A settlement in a page." },
);

export const SettlementFilter = builder.inputType("SettlementFilter", {
  description: "Which settlements; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      SETTLEMENTS.filters,
      { kind: SettlementKind, verdict: Verdict },
      {
        kind: "How they were recorded.",
        teeId: "Individual settlements that name this node, 32 bytes.",
        payer: "Settlements that claim this payer.",
        relayer: "Sender of the transaction.",
        verdict: "What checking showed.",
        merkleRoot: "Batches with this root, 32 bytes.",
        txHash: "Settled by this transaction, 32 bytes.",
        blobId: "Settlements that name this Walrus blob, 43 characters of base64url.",
        inferenceId: "Individual settlements of this inference and batches with a leaf of it, 32 bytes.",
        ...timeRange("Settled"),
      },
    ),
});

/** What every field that is a list of settlements shares. */
export const settlementList = {
  type: SettlementRef,
  nullable: true,
  args: builder.args((t) => ({
    filter: t.field({ type: SettlementFilter, description: "Which settlements." }),
  })),
  extensions: readsPage(SETTLEMENTS.sources),
} as const;

builder.queryFields((t) => ({
  settlements: t.connection(
    {
      ...settlementList,
      description: "Settlements of every generation, newest first.",
      resolve: (_, args, { state }) =>
        connectFiltered(SETTLEMENTS, state.view(null), "Query.settlements", args),
    },
    SettlementConnection,
  ),
}));

builder.objectFields(TeeNodeRef, (t) => ({
  settlements: t.connection(
    {
      ...settlementList,
      description: "Individual settlements that name it, newest first. Batches name nodes in their leaves.",
      resolve: (node, args) =>
        connectFiltered(SETTLEMENTS, node.view, `TeeNode.settlements ${nodeName(node)}`, args, {
          teeId: node.teeId,
        }),
    },
    SettlementConnection,
  ),
}));

builder.objectFields(RelayerRef, (t) => ({
  settlements: t.connection(
    {
      ...settlementList,
      description: "What it settled, newest first.",
      resolve: ({ address, view }, args) =>
        connectFiltered(SETTLEMENTS, view, "Relayer.settlements", args, { relayer: address }),
    },
    SettlementConnection,
  ),
}));

builder.objectFields(PayerRef, (t) => ({
  claimedSettlements: t.connection(
    {
      ...settlementList,
      description: "Settlements that relayers say it paid for, newest first; nobody signed that.",
      resolve: ({ address, view }, args) =>
        connectFiltered(SETTLEMENTS, view, "Payer.claimedSettlements", args, { payer: address }),
    },
    SettlementConnection,
  ),
}));

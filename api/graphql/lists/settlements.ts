/** Lists of settlements. */
import type { SettlementFilters } from "../../queries/settlements/settlementFilters.ts";
import { listSettlements, type Settlement } from "../../queries/settlements/settlements.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { timeRange } from "./timeRange.ts";

export const SettlementKind = builder.enumType("SettlementKind", {
  description: "How inferences were recorded.",
  values: {
    INDIVIDUAL: {
      value: "individual",
      description: "One inference, its signature verified on chain.",
    },
    BATCH: { value: "batch", description: "The Merkle root of many; the leaves are in a Walrus blob." },
    LEGACY: { value: "legacy", description: "An event of an earlier contract, without a signature." },
  } as const,
});

export const Verdict = builder.enumType("Verdict", {
  description: "What checking a settlement's contents showed.",
  values: {
    PENDING: { value: "pending", description: "Not checked yet." },
    VERIFIED: { value: "verified", description: "Every signature is valid." },
    PARTIAL: { value: "partial", description: "Some leaves count, some do not." },
    INVALID: { value: "invalid", description: "The contents do not prove what was announced." },
    UNAVAILABLE: { value: "unavailable", description: "The blob cannot be had." },
    UNVERIFIABLE: {
      value: "unverifiable",
      description: "There is nothing to check: no signature was given.",
    },
  } as const,
});

export const SettlementFilter = builder.inputType("SettlementFilter", {
  description: "Which settlements; all conditions must hold.",
  fields: (t) => ({
    kind: t.field({ type: SettlementKind, description: "How they were recorded." }),
    teeId: t.field({ type: "Hex", description: "Individual settlements that name this node, 32 bytes." }),
    payer: t.field({ type: "Address", description: "Settlements that claim this payer." }),
    relayer: t.field({ type: "Address", description: "Sender of the transaction." }),
    verdict: t.field({ type: Verdict, description: "What checking showed." }),
    merkleRoot: t.field({ type: "Hex", description: "Batches with this root, 32 bytes." }),
    txHash: t.field({ type: "Hex", description: "Settled by this transaction, 32 bytes." }),
    blobId: t.string({ description: "Settlements that name this Walrus blob, 43 characters of base64url." }),
    inferenceId: t.field({
      type: "Hex",
      description: "Individual settlements of this inference and batches with a leaf of it, 32 bytes.",
    }),
    ...timeRange(t, "Settled"),
  }),
});

interface SettlementArguments extends PagingArguments {
  readonly filter?: typeof SettlementFilter.$inferInput | null | undefined;
}

/** @param list - names the field, and the object it hangs on. */
export function settlements(
  view: View,
  list: string,
  args: SettlementArguments,
  fixed: SettlementFilters = {},
): Connection<Seen<Settlement>> {
  const { state } = view;
  const filters = filtersOf(args.filter, fixed);
  return connect(state, args, {
    list,
    parameters: { at: view.at, ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.proofs,
    read: async (transaction, page) =>
      listSettlements(transaction, state.proofs, await view.og(), filters, page),
    show: (settlement) => view.show(settlement),
  });
}

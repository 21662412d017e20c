/** Settlement: what a relay announced, and what checking it showed. */

import { findSettlement, type Settlement } from "../queries/settlements/settlements.ts";
import { type EventId, parseEventId } from "../queries/state/eventId.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { findEvent, registerLookup } from "./builder/objectById.ts";
import { ChainEvent } from "./chainEvents.ts";
import { refuseArgument } from "./execution/limits/refuseArgument.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { nodeByKey, TeeNodeRef } from "./nodes.ts";
import { RelayerRef } from "./relayers.ts";

export const SettlementRef = builder.objectRef<Scoped<Settlement>>("Settlement");

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

const PayloadState = builder.enumType("PayloadState", {
  description: "What became of a payload blob.",
  values: {
    PENDING: { value: "pending", description: "Not looked for yet." },
    MATCHED: { value: "matched", description: "Its hashes are the signed ones." },
    UNMATCHED: { value: "unmatched", description: "Readable, but not shown to be this inference's." },
    INVALID: { value: "invalid", description: "Not what a payload is." },
    UNAVAILABLE: { value: "unavailable", description: "It cannot be had." },
  } as const,
});

const PayloadRef = builder.objectRef<NonNullable<Settlement["payload"]>>("SettlementPayload").implement({
  description: "The blob with an individual settlement's request and response.",
  fields: (t) => ({
    state: t.expose("state", { type: PayloadState }),
    reason: t.exposeString("reason", { nullable: true }),
  }),
});

SettlementRef.implement({
  description: "A settlement: inferences recorded on the OpenGradient chain by a relayer.",
  interfaces: [builder.nodeInterfaceRef(), ChainEvent],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API.",
      resolve: ({ id, view }) => encodeGlobalId("Settlement", id, view.at),
    }),
    kind: t.expose("kind", { type: SettlementKind }),
    relay: t.expose("relay", { type: "Address" }),
    settledAt: t.expose("settledAt", { type: "Timestamp" }),
    relayer: t.expose("relayer", { type: "Address" }),
    relayerAccount: t.field({
      type: RelayerRef,
      description: "The sender, with all it relayed.",
      resolve: ({ relayer, view }) => view.scope({ address: relayer }),
    }),
    teeId: t.expose("teeId", { type: "Hex", nullable: true }),
    node: t.field({
      type: TeeNodeRef,
      nullable: true,
      description:
        "That node in the first configured registry, as it is now or at the moment asked about; null when it is not registered there.",
      extensions: readsRows(FROM.og, 3),
      resolve: ({ teeId, view }) =>
        teeId === null ? null : nodeByKey(view, { registry: view.state.currentRegistry, teeId }),
    }),
    claimedPayer: t.expose("claimedPayer", { type: "Address", nullable: true }),
    inferenceId: t.expose("inferenceId", { type: "Hex", nullable: true }),
    inputHash: t.expose("inputHash", { type: "Hex", nullable: true }),
    outputHash: t.expose("outputHash", { type: "Hex", nullable: true }),
    signedAt: t.expose("signedAt", { type: "Timestamp", nullable: true }),
    signature: t.expose("signature", { type: "Hex", nullable: true }),
    signatureBytes: t.exposeInt("signatureBytes", { nullable: true }),
    signatureSha256: t.expose("signatureSha256", { type: "Hex", nullable: true }),
    merkleRoot: t.expose("merkleRoot", { type: "Hex", nullable: true }),
    batchSize: t.expose("batchSize", { type: "Long", nullable: true }),
    blobId: t.exposeString("blobId", { nullable: true }),
    blobIdHex: t.expose("blobIdHex", {
      type: "Hex",
      nullable: true,
      extensions: readsRows(NOTHING),
    }),
    blobIdBytes: t.exposeInt("blobIdBytes", { nullable: true }),
    blobIdSha256: t.expose("blobIdSha256", { type: "Hex", nullable: true }),
    verdict: t.expose("verdict", { type: Verdict, description: "What checking the contents showed." }),
    reason: t.exposeString("reason", { nullable: true }),
    detail: t.exposeString("detail", { nullable: true }),
    leafCount: t.exposeInt("leafCount", { nullable: true }),
    validLeaves: t.exposeInt("validLeaves", { nullable: true }),
    invalidLeaves: t.exposeInt("invalidLeaves", { nullable: true }),
    payload: t.expose("payload", {
      type: PayloadRef,
      nullable: true,
      description: "Of an individual settlement: its payload blob.",
    }),
  }),
});

/** Null when there is none, or when the id is of another chain. */
export async function settlementByEvent(view: View, id: EventId): Promise<Scoped<Settlement> | null> {
  const og = await view.og();
  if (id.chainId !== og.chainId) return null;
  const settlement = await findSettlement(view.state.transaction, view.state.proofs, og, id);
  return settlement === null ? null : view.scope(settlement);
}

registerLookup("Settlement", { sources: FROM.proofs, keyParts: 1, find: findEvent("og", settlementByEvent) });

builder.queryFields((t) => ({
  settlement: t.field({
    type: SettlementRef,
    nullable: true,
    description: "One settlement; null when there is none.",
    args: {
      eventId: t.arg.string({ required: true, description: "`chainId-txHash-logIndex`." }),
    },
    extensions: readsRows(FROM.proofs),
    resolve: (_, { eventId }, { state }) => {
      const id = parseEventId(eventId);
      if (id === null) throw refuseArgument("eventId", eventId, "chainId-txHash-logIndex");
      return settlementByEvent(state.view(null), id);
    },
  }),
}));

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
    state: t.expose("state", { type: PayloadState, description: "What became of it." }),
    reason: t.exposeString("reason", {
      nullable: true,
      description: "Why, as a stable word; null where the state says it all.",
    }),
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
    kind: t.expose("kind", { type: SettlementKind, description: "How it was recorded." }),
    relay: t.expose("relay", { type: "Address", description: "The contract that emitted the event." }),
    settledAt: t.expose("settledAt", { type: "Timestamp", description: "Block time, unix seconds." }),
    relayer: t.expose("relayer", { type: "Address", description: "Sender of the transaction." }),
    relayerAccount: t.field({
      type: RelayerRef,
      description: "The sender, with all it relayed.",
      resolve: ({ relayer, view }) => view.scope({ address: relayer }),
    }),
    teeId: t.expose("teeId", {
      type: "Hex",
      nullable: true,
      description: "Of an individual settlement: the node it names, 32 bytes.",
    }),
    node: t.field({
      type: TeeNodeRef,
      nullable: true,
      description:
        "That node in the first configured registry, as it is now or at the moment asked about; null when it is not registered there.",
      extensions: readsRows(FROM.og, 3),
      resolve: ({ teeId, view }) =>
        teeId === null ? null : nodeByKey(view, { registry: view.state.currentRegistry, teeId }),
    }),
    claimedPayer: t.expose("claimedPayer", {
      type: "Address",
      nullable: true,
      description: "Who paid, by the relayer's word: it is not signed.",
    }),
    inferenceId: t.expose("inferenceId", {
      type: "Hex",
      nullable: true,
      description: "Of an individual settlement: the inference's id, 32 bytes.",
    }),
    inputHash: t.expose("inputHash", {
      type: "Hex",
      nullable: true,
      description: "keccak256 of the canonical request, 32 bytes.",
    }),
    outputHash: t.expose("outputHash", {
      type: "Hex",
      nullable: true,
      description: "keccak256 of the answer's content, 32 bytes.",
    }),
    signedAt: t.expose("signedAt", {
      type: "Timestamp",
      nullable: true,
      description: "When the enclave signed, unix seconds.",
    }),
    signature: t.expose("signature", {
      type: "Hex",
      nullable: true,
      description:
        "RSA-PSS signature over input hash, output hash and time; lists show its first 4,096 bytes: none that is one has more than 256.",
    }),
    signatureBytes: t.exposeInt("signatureBytes", {
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
    }),
    signatureSha256: t.expose("signatureSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    merkleRoot: t.expose("merkleRoot", {
      type: "Hex",
      nullable: true,
      description: "Of a batch: the Merkle root of its leaves, 32 bytes.",
    }),
    batchSize: t.expose("batchSize", {
      type: "Long",
      nullable: true,
      description: "Of a batch: the number of leaves, by the relayer's word.",
    }),
    blobId: t.exposeString("blobId", {
      nullable: true,
      description: "The Walrus blob's id, 43 characters of base64url; null when the event has none.",
    }),
    blobIdHex: t.expose("blobIdHex", {
      type: "Hex",
      nullable: true,
      description: "The event's bytes, when they are no blob id; lists show the first 4,096.",
      extensions: readsRows(NOTHING),
    }),
    blobIdBytes: t.exposeInt("blobIdBytes", {
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
    }),
    blobIdSha256: t.expose("blobIdSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    verdict: t.expose("verdict", { type: Verdict, description: "What checking the contents showed." }),
    reason: t.exposeString("reason", {
      nullable: true,
      description: "Why, as a stable word; null where the verdict says it all.",
    }),
    detail: t.exposeString("detail", {
      nullable: true,
      description: "The reason as a sentence, with the value and the rule; null where there is none.",
    }),
    leafCount: t.exposeInt("leafCount", {
      nullable: true,
      description: "Of a checked batch: leaves in the blob.",
    }),
    validLeaves: t.exposeInt("validLeaves", {
      nullable: true,
      description: "Of a checked batch: leaves with a valid signature of a registered node.",
    }),
    invalidLeaves: t.exposeInt("invalidLeaves", {
      nullable: true,
      description: "Of a checked batch: leaves with an invalid signature; charged to the relayer.",
    }),
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

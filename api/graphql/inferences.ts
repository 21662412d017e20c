/** Inference: what a node signed, once, however often it was settled. */

import {
  findInference,
  type Inference,
  type UncountedReason as UncountedReasonName,
} from "../queries/inferences/inferences.ts";
import { readReceipt } from "../queries/inferences/receipts.ts";
import { SETTLEMENTS } from "../queries/settlements/settlements.ts";
import { parseEventId } from "../queries/state/eventId.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { connectFiltered } from "./builder/connection.ts";
import { hash32 } from "./builder/filters.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { isHash, registerLookup } from "./builder/objectById.ts";
import { readsPage, readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { NodeStatus, PrecisionEnum } from "./nodeStatus.ts";
import { nodeByKey, TeeNodeRef } from "./nodes.ts";
import { SettlementConnection, settlementList } from "./settlementLists.ts";
import { SettlementRef, settlementByEvent } from "./settlements.ts";

export const InferenceRef = builder.objectRef<Scoped<Inference>>("Inference");

const InferencePlace = builder
  .objectRef<Scoped<Inference["settlements"][number]>>("InferencePlace")
  .implement({
    description: "Where an inference was settled.",
    fields: (t) => ({
      eventId: t.exposeString("id", { description: "`chainId-txHash-logIndex` of the settlement." }),
      leafIndex: t.exposeInt("leafIndex", {
        nullable: true,
        description: "Its leaf in a batch, from 0; null for an individual settlement.",
      }),
      settlement: t.field({
        type: SettlementRef,
        nullable: true,
        description: "The settlement.",
        extensions: readsRows(FROM.proofs),
        resolve: ({ id, view }) => {
          const event = parseEventId(id);
          return event === null ? null : settlementByEvent(view, event);
        },
      }),
    }),
  });

const NodeAtSigning = builder.objectRef<NonNullable<Inference["nodeAtSigning"]>>("NodeAtSigning").implement({
  description: "What the registry said of a node in the second in which it signed.",
  fields: (t) => ({
    registry: t.expose("registry", { type: "Address" }),
    status: t.expose("status", { type: NodeStatus, description: "What the node was." }),
    statusPrecision: t.expose("statusPrecision", {
      type: PrecisionEnum,
      description: "Whether the contract answered so in that second.",
    }),
    pcrHash: t.expose("pcrHash", { type: "Hex", nullable: true }),
    pcrVersion: t.exposeString("pcrVersion", { nullable: true }),
    pcrApproved: t.exposeBoolean("pcrApproved"),
  }),
});

const UncountedReason = builder.enumType("UncountedReason", {
  description: "Why an inference does not count, and has no receipt.",
  values: {
    UNKNOWN_NODE: { value: "unknown-node", description: "Its node was not registered where it was settled." },
    INVALID_SIGNATURE: { value: "invalid-signature", description: "No valid signature of it was settled." },
    UNKNOWN_KEY: { value: "unknown-key", description: "No registry has shown the node's key." },
    PENDING: { value: "pending", description: "Its signature is not checked yet." },
  } as const satisfies Record<string, { value: UncountedReasonName; description: string }>,
});

InferenceRef.implement({
  description: "An inference that settlements on chain hold, counted once however often it was posted.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API.",
      resolve: ({ id, view }) => encodeGlobalId("Inference", id, view.at),
    }),
    inferenceId: t.expose("id", { type: "Hex" }),
    teeId: t.expose("teeId", { type: "Hex" }),
    node: t.field({
      type: TeeNodeRef,
      nullable: true,
      description:
        "That node in the first configured registry, as it is now or at the moment asked about; null when it is not registered there.",
      extensions: readsRows(FROM.og, 3),
      resolve: ({ teeId, view }) => nodeByKey(view, { registry: view.state.currentRegistry, teeId }),
    }),
    nodeAtSigning: t.expose("nodeAtSigning", { type: NodeAtSigning, nullable: true }),
    inputHash: t.expose("inputHash", { type: "Hex" }),
    outputHash: t.expose("outputHash", { type: "Hex" }),
    signedAt: t.expose("signedAt", { type: "Timestamp", nullable: true }),
    signature: t.expose("signature", { type: "Hex", nullable: true }),
    signatureBytes: t.exposeInt("signatureBytes", { nullable: true }),
    signatureSha256: t.expose("signatureSha256", { type: "Hex", nullable: true }),
    signatureValid: t.exposeBoolean("signatureValid", { nullable: true }),
    counted: t.exposeBoolean("counted"),
    uncountedReason: t.expose("uncountedReason", {
      type: UncountedReason,
      nullable: true,
      description: "Why it does not count; null when it does.",
    }),
    places: t.field({
      type: [InferencePlace],
      description: "Where it was settled, the earliest 100.",
      resolve: ({ settlements: places, view }) => places.map((place) => view.scope(place)),
    }),
    settlements: t.connection(
      {
        ...settlementList,
        description: "The settlements that hold it, newest first.",
        // Those of batches are found leaf by leaf.
        extensions: readsPage(SETTLEMENTS.sources, 2, 6),
        resolve: ({ id, view }, args) =>
          connectFiltered(SETTLEMENTS, view, "Inference.settlements", args, { inferenceId: id }),
      },
      SettlementConnection,
    ),
    claimedPayers: t.expose("claimedPayers", { type: ["Address"] }),
    model: t.exposeString("model", { nullable: true }),
    promptTokens: t.expose("promptTokens", { type: "Long", nullable: true }),
    completionTokens: t.expose("completionTokens", { type: "Long", nullable: true }),
    receipt: t.field({
      type: "JSON",
      nullable: true,
      description:
        "Everything needed to check it without us, one document as `/v1/inferences/{id}/receipt` gives it; null when no settlement proves it.",
      extensions: readsRows(FROM.proofs, 200),
      resolve: async ({ id, view }) => {
        const { transaction, proofs } = view.state;
        return readReceipt(transaction, proofs, await view.og(), id);
      },
    }),
  }),
});

/** Null when no settlement on chain holds it. */
export async function inferenceById(view: View, id: string): Promise<Scoped<Inference> | null> {
  const { transaction, proofs, settings } = view.state;
  const inference = await findInference(transaction, proofs, await view.og(), id, settings.registries);
  return inference === null ? null : view.scope(inference);
}

registerLookup("Inference", {
  sources: FROM.proofs,
  keyParts: 1,
  find: async (view, [id]) => (isHash(id) ? inferenceById(view, id) : undefined),
});

builder.queryFields((t) => ({
  inference: t.field({
    type: InferenceRef,
    nullable: true,
    description: "One inference; null when no settlement on chain holds it.",
    args: {
      inferenceId: t.arg({
        type: "Hex",
        required: true,
        description: "keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)), 32 bytes.",
      }),
    },
    extensions: readsRows(FROM.proofs, 5),
    resolve: (_, { inferenceId }, { state }) =>
      inferenceById(state.view(null), hash32("inferenceId", inferenceId)),
  }),
}));

builder.objectFields(SettlementRef, (t) => ({
  inference: t.field({
    type: InferenceRef,
    nullable: true,
    description: "That inference; null for other kinds, and while the verifier has not seen it.",
    extensions: readsRows(FROM.proofs, 5),
    resolve: ({ inferenceId, view }) => (inferenceId === null ? null : inferenceById(view, inferenceId)),
  }),
}));

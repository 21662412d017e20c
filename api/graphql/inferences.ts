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
    registry: t.expose("registry", {
      type: "Address",
      description: "The first configured registry that had the node by then.",
    }),
    status: t.expose("status", { type: NodeStatus, description: "What the node was." }),
    statusPrecision: t.expose("statusPrecision", {
      type: PrecisionEnum,
      description: "Whether the contract answered so in that second.",
    }),
    pcrHash: t.expose("pcrHash", {
      type: "Hex",
      nullable: true,
      description: "Hash of its PCRs, 32 bytes; null when the record could not be read.",
    }),
    pcrVersion: t.exposeString("pcrVersion", {
      nullable: true,
      description: "The version that the newest approval by then named, sanitised.",
    }),
    pcrApproved: t.exposeBoolean("pcrApproved", { description: "Whether the registry approved it then." }),
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
    inferenceId: t.expose("id", {
      type: "Hex",
      description: "keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)), 32 bytes.",
    }),
    teeId: t.expose("teeId", { type: "Hex", description: "The node that it names, 32 bytes." }),
    node: t.field({
      type: TeeNodeRef,
      nullable: true,
      description:
        "That node in the first configured registry, as it is now or at the moment asked about; null when it is not registered there.",
      extensions: readsRows(FROM.og, 3),
      resolve: ({ teeId, view }) => nodeByKey(view, { registry: view.state.currentRegistry, teeId }),
    }),
    nodeAtSigning: t.expose("nodeAtSigning", {
      type: NodeAtSigning,
      nullable: true,
      description:
        "The node in the second of signing; null when no configured registry had it, or the second is not indexed yet.",
    }),
    inputHash: t.expose("inputHash", {
      type: "Hex",
      description: "keccak256 of the canonical request, 32 bytes.",
    }),
    outputHash: t.expose("outputHash", {
      type: "Hex",
      description: "keccak256 of the answer's content, 32 bytes.",
    }),
    signedAt: t.expose("signedAt", {
      type: "Timestamp",
      nullable: true,
      description: "When it was signed, unix seconds; null when that is beyond 2^53-1.",
    }),
    signature: t.expose("signature", {
      type: "Hex",
      nullable: true,
      description:
        "RSA-PSS signature over input hash, output hash and time; a valid one where there is one, at most its first 4,096 bytes.",
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
    signatureValid: t.exposeBoolean("signatureValid", {
      nullable: true,
      description:
        "Null while no registry has shown the node's key. False says nothing about the node: anyone can post a leaf in its name.",
    }),
    counted: t.exposeBoolean("counted", {
      description:
        "Whether it counts wherever inferences are counted, and has a receipt: a valid signature of it was settled at or after its node's registration.",
    }),
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
    claimedPayers: t.expose("claimedPayers", {
      type: ["Address"],
      description: "Who paid, by what those settlements claim; nobody signed it.",
    }),
    model: t.exposeString("model", {
      nullable: true,
      description: "The model, from the payload, sanitised.",
    }),
    promptTokens: t.expose("promptTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of the request, by the payload; a count.",
    }),
    completionTokens: t.expose("completionTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of the answer, by the payload; a count.",
    }),
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

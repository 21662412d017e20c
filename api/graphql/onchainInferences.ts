/** OnchainInference: a PIPE inference or a scheduled workflow. */
import type { InferenceContent } from "../queries/inferences/inferenceContent.ts";
import {
  type Contents,
  ONCHAIN_INFERENCES,
  type OnchainInference,
} from "../queries/inferences/onchainInferences.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect, type ListArguments } from "./builder/connection.ts";
import { filterFields, filtersOf, timeRange } from "./builder/filters.ts";
import { asksFor } from "./builder/lookahead.ts";
import { ChainEvent } from "./chainEvents.ts";
import { NOTHING, readsPage, readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";

const OnchainInferenceRef = builder.objectRef<Scoped<OnchainInference>>("OnchainInference");

const OnchainInferenceConnection = builder.connectionObject(
  {
    type: OnchainInferenceRef,
    name: "OnchainInferenceConnection",
    description: "A page of on-chain inferences.",
  },
  { description: "An on-chain inference in a page." },
);

const OnchainInferenceKind = builder.enumType("OnchainInferenceKind", {
  description: "What was run.",
  values: {
    CHAT: { value: "chat", description: "A chat with a language model." },
    COMPLETION: { value: "completion", description: "A completion by a language model." },
    MODEL: { value: "model", description: "A model on numbers and texts." },
    WORKFLOW: { value: "workflow", description: "A scheduled workflow." },
  } as const,
});

const ProofMode = builder.enumType("ProofMode", {
  description: "How an on-chain inference is proved.",
  values: {
    VANILLA: { value: "vanilla", description: "Not at all." },
    ZKML: { value: "zkml", description: "By a zero-knowledge proof of the model." },
    TEE: { value: "tee", description: "By an enclave's attestation." },
  } as const,
});

const HubEvent = builder.objectRef<NonNullable<OnchainInference["hub"]>>("HubEvent").implement({
  description: "The inference hub's event about an inference.",
  fields: (t) => ({
    address: t.expose("address", { type: "Address" }),
    event: t.exposeString("event", { nullable: true }),
    logIndex: t.exposeInt("logIndex", { nullable: true }),
  }),
});

const Content = builder.objectRef<InferenceContent>("OnchainInferenceContent").implement({
  description: "What was asked and answered, shortened and sanitised. Null parts cannot be read.",
  fields: (t) => ({
    request: t.expose("request", { type: "JSON", nullable: true }),
    response: t.expose("response", { type: "JSON", nullable: true }),
    result: t.expose("result", { type: "JSON", nullable: true }),
    shortened: t.exposeBoolean("shortened"),
  }),
});

OnchainInferenceRef.implement({
  description: "An inference that ran on chain (PIPE), or a scheduled workflow's result.",
  interfaces: [ChainEvent],
  fields: (t) => ({
    timestamp: t.expose("timestamp", { type: "Timestamp" }),
    kind: t.expose("kind", { type: OnchainInferenceKind }),
    mode: t.expose("mode", { type: ProofMode, nullable: true }),
    modelCid: t.exposeString("modelCid", { nullable: true }),
    modelCidHex: t.expose("modelCidHex", {
      type: "Hex",
      nullable: true,
      extensions: readsRows(NOTHING),
    }),
    modelCidBytes: t.exposeInt("modelCidBytes", { nullable: true }),
    modelCidSha256: t.expose("modelCidSha256", { type: "Hex", nullable: true }),
    inferenceId: t.exposeString("inferenceId", { nullable: true }),
    inferenceIdHex: t.expose("inferenceIdHex", {
      type: "Hex",
      nullable: true,
      extensions: readsRows(NOTHING),
    }),
    inferenceIdBytes: t.exposeInt("inferenceIdBytes", { nullable: true }),
    inferenceIdSha256: t.expose("inferenceIdSha256", { type: "Hex", nullable: true }),
    caller: t.expose("caller", { type: "Address" }),
    hub: t.expose("hub", { type: HubEvent, nullable: true }),
    content: t.expose("content", {
      type: Content,
      nullable: true,
      description: "What was asked and answered. Decoded only when asked for; it can be long.",
      extensions: readsRows(NOTHING, 20),
    }),
  }),
});

const OnchainInferenceFilter = builder.inputType("OnchainInferenceFilter", {
  description: "Which on-chain inferences; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      ONCHAIN_INFERENCES.filters,
      { mode: ProofMode, kind: OnchainInferenceKind },
      {
        mode: "How they are proved.",
        kind: "What was run.",
        modelCid: "The model's CID, exactly.",
        caller: "Sender of the transaction, or a workflow's caller.",
        ...timeRange("Run"),
      },
    ),
});

function onchainInferences(
  view: View,
  args: ListArguments<typeof ONCHAIN_INFERENCES.filters>,
  contents: Contents,
): Connection<Scoped<OnchainInference>> {
  const filters = filtersOf(ONCHAIN_INFERENCES.filters, args.filter);
  return connect(view, args, ONCHAIN_INFERENCES, {
    field: "Query.onchainInferences",
    wanted: { ...filters, contents },
    question: filters,
  });
}

builder.queryFields((t) => ({
  onchainInferences: t.connection(
    {
      type: OnchainInferenceRef,
      nullable: true,
      description: "On-chain (PIPE) inferences and scheduled workflows, newest first.",
      args: { filter: t.arg({ type: OnchainInferenceFilter, description: "Which of them." }) },
      extensions: readsPage(ONCHAIN_INFERENCES.sources),
      resolve: (_, args, { state }, info) =>
        onchainInferences(
          state.view(null),
          args,
          asksFor("content", info) ? "with-content" : "without-content",
        ),
    },
    OnchainInferenceConnection,
  ),
}));

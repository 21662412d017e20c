import { LivenessNotion, NodeEventKind } from "../lists/nodeHistory.ts";
import { HeartbeatRef, LivenessIntervalRef, NodeEventRef, RelayerRef } from "../refs.ts";
import { ChainEvent } from "./chainEvent.ts";
import { PrecisionEnum } from "./precision.ts";

LivenessIntervalRef.implement({
  description: "A spell during which a node was alive, by one of two notions.",
  fields: (t) => ({
    notion: t.expose("notion", { type: LivenessNotion, description: "What alive means here." }),
    fromAt: t.expose("fromAt", { type: "Timestamp", description: "First second of it, unix seconds." }),
    untilAt: t.expose("untilAt", {
      type: "Timestamp",
      nullable: true,
      description: "First second after it, unix seconds; null while it goes on.",
    }),
    endCause: t.exposeString("endCause", {
      nullable: true,
      description: "Of an ended ACTIVE one: stale, disabled, pcr-revoked, removed or max-age.",
    }),
    precision: t.expose("precision", {
      type: PrecisionEnum,
      description: "Whether its ends, and that nothing interrupted it, are known.",
    }),
  }),
});

HeartbeatRef.implement({
  description: "A heartbeat that the registry accepted.",
  interfaces: [ChainEvent],
  fields: (t) => ({
    registry: t.expose("registry", { type: "Address", description: "The registry." }),
    teeId: t.expose("teeId", { type: "Hex", description: "The node's id, 32 bytes." }),
    receivedAt: t.expose("receivedAt", { type: "Timestamp", description: "Block time, unix seconds." }),
    signedAt: t.expose("signedAt", {
      type: "Timestamp",
      description: "The second that the node signed, at most the block's time, unix seconds.",
    }),
    latenessSeconds: t.expose("latenessSeconds", {
      type: "Long",
      description: "From the signed second to the block, seconds.",
    }),
    repeated: t.exposeBoolean("repeated", {
      description: "Whether the same signed second was sent before: it proves nothing new then.",
    }),
    relayer: t.expose("relayer", { type: "Address", description: "Sender of the transaction." }),
    relayerAccount: t.field({
      type: RelayerRef,
      description: "The sender, with all it relayed.",
      resolve: ({ relayer, view }) => view.show({ address: relayer }),
    }),
  }),
});

NodeEventRef.implement({
  description: "What the registry announced of a node, besides heartbeats.",
  interfaces: [ChainEvent],
  fields: (t) => ({
    registry: t.expose("registry", { type: "Address", description: "The registry." }),
    teeId: t.expose("teeId", { type: "Hex", description: "The node's id, 32 bytes." }),
    timestamp: t.expose("timestamp", { type: "Timestamp", description: "Block time, unix seconds." }),
    kind: t.expose("kind", { type: NodeEventKind, description: "What happened." }),
    signature: t.exposeString("signature", {
      description: "The event's name and parameter types, which tell the contracts' generations apart.",
    }),
    sender: t.expose("sender", { type: "Address", description: "Sender of the transaction." }),
    cause: t.exposeString("cause", {
      nullable: true,
      description:
        "Of ENABLED and DISABLED: owner, admin or pcr-revocation; null when the sender is neither.",
    }),
  }),
});

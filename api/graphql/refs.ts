/** The schema's object types by name, before any has fields: they refer to one another. */

import type { Inference } from "../queries/inferences/inferences.ts";
import type { Model } from "../queries/inferences/models.ts";
import type { OnchainInference } from "../queries/inferences/onchainInferences.ts";
import type { Heartbeat, LivenessInterval, NodeEvent } from "../queries/nodes/nodeHistory.ts";
import type { Node } from "../queries/nodes/nodes.ts";
import type { Operator } from "../queries/operators/operators.ts";
import type { Channel } from "../queries/payments/channels.ts";
import type { Payment } from "../queries/payments/payments.ts";
import type { Pcr, TeeType } from "../queries/registry/pcrs.ts";
import type { Leaf } from "../queries/settlements/leaves.ts";
import type { Settlement } from "../queries/settlements/settlements.ts";
import { builder } from "./builder.ts";
import type { Seen } from "./execution/view.ts";

/** An address in a role; what it did hangs below. */
export interface Account {
  readonly address: string;
}

/** Which registries' nodes an operator is summed over; null means every one. */
export interface Scoped {
  readonly registries: readonly string[] | null;
}

export const TeeNodeRef = builder.objectRef<Seen<Node>>("TeeNode");
export const LivenessIntervalRef = builder.objectRef<LivenessInterval>("LivenessInterval");
export const HeartbeatRef = builder.objectRef<Seen<Heartbeat>>("Heartbeat");
export const NodeEventRef = builder.objectRef<Seen<NodeEvent>>("NodeEvent");
export const InferenceRef = builder.objectRef<Seen<Inference>>("Inference");
export const BatchLeafRef = builder.objectRef<Seen<Leaf>>("BatchLeaf");
export const ModelRef = builder.objectRef<Seen<Model>>("Model");
export const SettlementRef = builder.objectRef<Seen<Settlement>>("Settlement");
export const PaymentRef = builder.objectRef<Seen<Payment>>("Payment");
export const ChannelRef = builder.objectRef<Seen<Channel>>("Channel");
export const OperatorRef = builder.objectRef<Seen<Operator & Scoped>>("Operator");
export const PayerRef = builder.objectRef<Seen<Account>>("Payer");
export const RelayerRef = builder.objectRef<Seen<Account>>("Relayer");
export const PcrRef = builder.objectRef<Seen<Pcr>>("Pcr");
export const TeeTypeRef = builder.objectRef<Seen<TeeType>>("TeeType");
export const OnchainInferenceRef = builder.objectRef<Seen<OnchainInference>>("OnchainInference");

const pageOf = (items: string) => ({ description: `A page of ${items}.` });
const itemOf = (item: string) => ({ description: `${item} in a page.` });

export const TeeNodeConnection = builder.connectionObject(
  { type: TeeNodeRef, name: "TeeNodeConnection", ...pageOf("nodes") },
  itemOf("A node"),
);
export const LivenessIntervalConnection = builder.connectionObject(
  { type: LivenessIntervalRef, name: "LivenessIntervalConnection", ...pageOf("spells of liveness") },
  itemOf("A spell"),
);
export const HeartbeatConnection = builder.connectionObject(
  { type: HeartbeatRef, name: "HeartbeatConnection", ...pageOf("heartbeats") },
  itemOf("A heartbeat"),
);
export const NodeEventConnection = builder.connectionObject(
  { type: NodeEventRef, name: "NodeEventConnection", ...pageOf("registry events of a node") },
  itemOf("An event"),
);
export const SettlementConnection = builder.connectionObject(
  { type: SettlementRef, name: "SettlementConnection", ...pageOf("settlements") },
  itemOf("A settlement"),
);
export const InferenceConnection = builder.connectionObject(
  { type: InferenceRef, name: "InferenceConnection", ...pageOf("inferences") },
  itemOf("An inference"),
);
export const BatchLeafConnection = builder.connectionObject(
  { type: BatchLeafRef, name: "BatchLeafConnection", ...pageOf("leaves of a batch") },
  itemOf("A leaf"),
);
export const ModelConnection = builder.connectionObject(
  { type: ModelRef, name: "ModelConnection", ...pageOf("models") },
  itemOf("A model"),
);
export const PaymentConnection = builder.connectionObject(
  { type: PaymentRef, name: "PaymentConnection", ...pageOf("payments") },
  itemOf("A payment"),
);
export const ChannelConnection = builder.connectionObject(
  { type: ChannelRef, name: "ChannelConnection", ...pageOf("channels") },
  itemOf("A channel"),
);
export const OperatorConnection = builder.connectionObject(
  { type: OperatorRef, name: "OperatorConnection", ...pageOf("operators") },
  itemOf("An operator"),
);
export const PcrConnection = builder.connectionObject(
  { type: PcrRef, name: "PcrConnection", ...pageOf("PCR records") },
  itemOf("A PCR record"),
);
export const TeeTypeConnection = builder.connectionObject(
  { type: TeeTypeRef, name: "TeeTypeConnection", ...pageOf("TEE types") },
  itemOf("A TEE type"),
);
export const OnchainInferenceConnection = builder.connectionObject(
  { type: OnchainInferenceRef, name: "OnchainInferenceConnection", ...pageOf("on-chain inferences") },
  itemOf("An on-chain inference"),
);

/** StreamEvent: what a subscription delivers, by its type. */

import { parseEventId } from "../queries/state/eventId.ts";
import { FROM } from "../queries/state/list.ts";
import type { BlockPoint, DeliveredEvent, ResetReason, StreamEvent } from "../stream/events.ts";
import { builder } from "./builder/builder.ts";
import { readsRows } from "./execution/plan/reads.ts";
import { NodeStatus } from "./nodeStatus.ts";
import { nodeByKey, TeeNodeRef } from "./nodes.ts";
import { PaymentRef, paymentByEvent } from "./payments.ts";
import { SettlementRef, settlementByEvent, Verdict } from "./settlements.ts";
import { ChainNameEnum } from "./status.ts";

type Type = StreamEvent["type"];

/** An event of one type, as it is delivered. */
type DeliveredOf<T extends Type> = Omit<DeliveredEvent, "event"> & {
  readonly event: Extract<StreamEvent, { readonly type: T }>;
};

const TYPE_NAMES: Readonly<Record<Type, string>> = {
  node: "NodeChanged",
  settlement: "SettlementChanged",
  payment: "PaymentAdded",
  block: "BlockIndexed",
  reset: "StreamReset",
};

export const StreamEventRef = builder.interfaceRef<DeliveredEvent>("StreamEvent").implement({
  description:
    "Something that happened. The object it is about is read when the event is delivered, from the newest state.",
  resolveType: ({ event }) => TYPE_NAMES[event.type],
  fields: (t) => ({
    cursor: t.exposeString("id", {
      description:
        "Give it as `after` to resume after this event; it is the event's id in /v1/stream as well.",
    }),
  }),
});

const interfaces = [StreamEventRef];

builder.objectRef<DeliveredOf<"node">>("NodeChanged").implement({
  description:
    "A node whose status, gates or record changed, or whose score did by a tenth; also what it is now, for a listener that comes back.",
  interfaces,
  fields: (t) => ({
    teeId: t.field({
      type: "Hex",
      description: "keccak256 of the node's public key, 32 bytes.",
      resolve: ({ event }) => event.data.teeId,
    }),
    registry: t.field({
      type: "Address",
      description: "The registry that lists it.",
      resolve: ({ event }) => event.data.registry,
    }),
    status: t.field({
      type: NodeStatus,
      nullable: true,
      description: "When the event was made; null when a reorg took the node's registration back.",
      resolve: ({ event }) => event.data.status,
    }),
    score: t.float({
      nullable: true,
      description:
        "The score when the event was made, 0 to 100; null when a reorg took the node's registration back.",
      resolve: ({ event }) => event.data.score?.value ?? null,
    }),
    node: t.field({
      type: TeeNodeRef,
      nullable: true,
      description: "The node; null when the registry does not list it any more.",
      extensions: readsRows(FROM.og, 3),
      resolve({ event }, _, { state }) {
        const { registry, teeId } = event.data;
        return nodeByKey(state.view(null), { registry, teeId });
      },
    }),
  }),
});

builder.objectRef<DeliveredOf<"settlement">>("SettlementChanged").implement({
  description: "A settlement that was made, or whose verdict changed.",
  interfaces,
  fields: (t) => ({
    eventId: t.string({
      description: "`chainId-txHash-logIndex` of the settlement.",
      resolve: ({ event }) => event.data.id,
    }),
    verdict: t.field({
      type: Verdict,
      description: "When the event was made.",
      resolve: ({ event }) => event.data.verdict,
    }),
    settlement: t.field({
      type: SettlementRef,
      nullable: true,
      description: "The settlement; null when a reorg took it back meanwhile.",
      extensions: readsRows(FROM.proofs),
      resolve({ event }, _, { state }) {
        const id = parseEventId(event.data.id);
        return id === null ? null : settlementByEvent(state.view(null), id);
      },
    }),
  }),
});

builder.objectRef<DeliveredOf<"payment">>("PaymentAdded").implement({
  description: "An x402 payment that was made.",
  interfaces,
  fields: (t) => ({
    eventId: t.string({
      description: "`chainId-txHash-logIndex` of the payment.",
      resolve: ({ event }) => event.data.id,
    }),
    payment: t.field({
      type: PaymentRef,
      nullable: true,
      description: "The payment; null when a reorg took it back meanwhile.",
      extensions: readsRows(FROM.baseAndMaybeOg),
      resolve: async ({ event }, _, { state }) => {
        const view = state.view(null);
        const id = parseEventId(event.data.id);
        if (id === null) return null;
        const found = await paymentByEvent(view, id);
        return found === null ? null : view.scope(found);
      },
    }),
  }),
});

builder.objectRef<DeliveredOf<"block">>("BlockIndexed").implement({
  description: "A block that was indexed: every one with an event, and of the others those that were seen.",
  interfaces,
  fields: (t) => ({
    chain: t.field({
      type: ChainNameEnum,
      resolve: ({ event }) => event.data.chain,
    }),
    chainId: t.int({ description: "EIP-155 id of the chain.", resolve: ({ event }) => event.data.chainId }),
    number: t.field({ type: "Long", resolve: ({ event }) => event.data.number }),
    hash: t.field({
      type: "Hex",
      nullable: true,
      resolve: ({ event }) => event.data.hash,
    }),
    timestamp: t.field({
      type: "Timestamp",
      resolve: ({ event }) => event.data.timestamp,
    }),
  }),
});

const BlockPointRef = builder.objectRef<BlockPoint>("BlockPoint").implement({
  description: "A block with an event.",
  fields: (t) => ({
    blockNumber: t.expose("blockNumber", { type: "Long" }),
    blockTime: t.expose("blockTime", { type: "Timestamp" }),
  }),
});

const ResetReasonEnum = builder.enumType("ResetReason", {
  description: "Why delivered events do not hold, or some are not delivered.",
  values: {
    REORG: {
      value: "reorg",
      description: "Rows after `validThrough` are void; those that replace them follow.",
    },
    REPLACED: {
      value: "replaced",
      description: "The chain was reindexed: no delivered event need hold.",
    },
    TOO_OLD: {
      value: "too-old",
      description: "What lies between `validThrough` and `continuesAfter` is too much to be sent.",
    },
    BEGUN: { value: "begun", description: "The chain was not ready before." },
    VERDICTS_MISSED: { value: "verdicts-missed", description: "Too many verdicts changed to be sent." },
  } as const satisfies Record<string, { value: ResetReason; description: string }>,
});

builder.objectRef<DeliveredOf<"reset">>("StreamReset").implement({
  description: "Delivered events do not hold, or some are not delivered. Sent whatever the filter says.",
  interfaces,
  fields: (t) => ({
    chain: t.field({
      type: ChainNameEnum,
      description: "The chain it concerns.",
      resolve: ({ event }) => event.data.chain,
    }),
    chainId: t.int({ description: "EIP-155 id of the chain.", resolve: ({ event }) => event.data.chainId }),
    reason: t.field({
      type: ResetReasonEnum,
      description: "Why.",
      resolve: ({ event }) => event.data.reason,
    }),
    validThrough: t.field({
      type: BlockPointRef,
      nullable: true,
      resolve: ({ event }) => event.data.validThrough,
    }),
    continuesAfter: t.field({
      type: BlockPointRef,
      nullable: true,
      resolve: ({ event }) => event.data.continuesAfter,
    }),
    detail: t.string({
      resolve: ({ event }) => event.data.detail,
    }),
  }),
});

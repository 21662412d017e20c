/** The root of subscriptions: what happens, as `/v1/stream` delivers it. */
import type { DeliveredEvent, SelectableType } from "../stream/events.ts";
import { builder } from "./builder/builder.ts";
import { filtersOf } from "./builder/filters.ts";
import { FROM, readsRows } from "./execution/reads.ts";
import { PaymentScheme } from "./payments.ts";
import { StreamEventRef } from "./streamEvents.ts";

const StreamEventType = builder.enumType("StreamEventType", {
  description: "What may happen.",
  values: {
    NODE: { value: "node", description: "A node's status, gates, record or score changed: NodeChanged." },
    SETTLEMENT: {
      value: "settlement",
      description: "A settlement was made, or its verdict changed: SettlementChanged.",
    },
    PAYMENT: { value: "payment", description: "A payment was made: PaymentAdded." },
    BLOCK: { value: "block", description: "A block was indexed: BlockIndexed." },
  } as const satisfies Record<string, { value: SelectableType; description: string }>,
});

const StreamFilter = builder.inputType("StreamFilter", {
  description:
    "Which events; all conditions must hold. Without `types`, events that lack what a condition asks about are left out.",
  fields: (t) => ({
    types: t.field({
      type: [StreamEventType],
      description: "What they tell. Default: everything. `StreamReset` comes in any case.",
    }),
    registry: t.field({
      type: "Registry",
      description: "Nodes of this registry, or `all`. Default: the first configured registry.",
    }),
    teeId: t.field({
      type: "Hex",
      description: "This node, and individual settlements that name it, 32 bytes.",
    }),
    owner: t.field({ type: "Address", description: "Nodes of this operator." }),
    relayer: t.field({ type: "Address", description: "Settlements by this sender." }),
    payer: t.field({
      type: "Address",
      description: "Payments by this payer, and settlements that claim it.",
    }),
    payee: t.field({ type: "Address", description: "Payments to this payee." }),
    facilitator: t.field({ type: "Address", description: "Payments that this sender submitted." }),
    token: t.field({ type: "Address", description: "Payments in this token." }),
    scheme: t.field({ type: PaymentScheme, description: "Payments of this scheme." }),
  }),
});

builder.subscriptionType({
  description:
    "What happens while it happens, as server-sent events (graphql-sse, distinct connections mode). Every event is answered from one state of the index, the newest one when it is told.",
  fields: (t) => ({
    events: t.field({
      type: StreamEventRef,
      description:
        "Events in the order in which they are told; each chain's are in the order of the chain, and once. Ends only with the connection: come back with the last `cursor`.",
      args: {
        filter: t.arg({ type: StreamFilter, description: "Which events. Default: all." }),
        after: t.arg.string({
          description:
            "`cursor` of the event to go on after: what was missed is told first, or that it cannot be. A `Last-Event-ID` header is newer.",
        }),
      },
      extensions: readsRows(FROM.nothing),
      subscribe: (_, { filter, after }, { listen }) => {
        const { types, registry, ...properties } = filtersOf(filter, {});
        return listen({ types, registry, properties }, after ?? null);
      },
      resolve: (event: DeliveredEvent) => event,
    }),
  }),
});

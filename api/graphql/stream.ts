/** The root of subscriptions: the events of `/v1/stream`. */
import { SCHEMES } from "../queries/payments/payments.ts";
import { ADDRESS, type FilterKind, HASH, oneOf } from "../queries/state/filters.ts";
import type { DeliveredEvent, SelectableType } from "../stream/events.ts";
import type { StreamProperties } from "../stream/filter.ts";
import { builder } from "./builder/builder.ts";
import { filterFields, filtersOf } from "./builder/filters.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import { PaymentScheme } from "./payments.ts";
import { StreamEventRef } from "./streamEvents.ts";

const StreamEventType = builder.enumType("StreamEventType", {
  description: "The types of events that can be selected.",
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

/** The properties by which events are selected, besides type and registry. */
const PROPERTIES = {
  teeId: HASH,
  owner: ADDRESS,
  relayer: ADDRESS,
  payer: ADDRESS,
  payee: ADDRESS,
  facilitator: ADDRESS,
  token: ADDRESS,
  scheme: oneOf(SCHEMES),
} as const satisfies { readonly [Name in keyof StreamProperties]-?: FilterKind };

const StreamFilter = builder.inputType("StreamFilter", {
  description:
    "Which events; all conditions must hold. Without `types`, event types that lack a filtered property are left out.",
  fields: (t) => ({
    types: t.field({
      type: [StreamEventType],
      description: "Types of events. Default: all. `StreamReset` is always delivered.",
    }),
    registry: t.field({
      type: "Registry",
      description: "Nodes of this registry, or `all`. Default: the first configured registry.",
    }),
    ...filterFields(
      t,
      PROPERTIES,
      { scheme: PaymentScheme },
      {
        teeId: "This node, and individual settlements that name it, 32 bytes.",
        owner: "Nodes of this operator.",
        relayer: "Settlements by this sender.",
        payer: "Payments by this payer, and settlements that claim it.",
        payee: "Payments to this payee.",
        facilitator: "Payments that this sender submitted.",
        token: "Payments in this token.",
        scheme: "Payments of this scheme.",
      },
    ),
  }),
});

builder.subscriptionType({
  description:
    "Events as they happen, as server-sent events (graphql-sse, distinct connections mode). Each event is answered from one state of the index, the newest when it is delivered.",
  fields: (t) => ({
    events: t.field({
      type: StreamEventRef,
      description:
        "Events in the order of delivery: each chain's in the order of the chain, and each once. Ends only with the connection; reconnect with the last `cursor`.",
      args: {
        filter: t.arg({ type: StreamFilter, description: "Which events. Default: all." }),
        after: t.arg.string({
          description:
            "`cursor` of the event to resume after: missed events are delivered first, or a `StreamReset` says that they cannot be. A `Last-Event-ID` header takes precedence.",
        }),
      },
      extensions: readsRows(NOTHING),
      subscribe: (_, { filter, after }, { subscribe }) => {
        const properties = filtersOf(PROPERTIES, filter);
        const types = filter?.types ?? undefined;
        const registry = filter?.registry ?? undefined;
        return subscribe({ types, registry, properties }, after ?? null);
      },
      resolve: (event: DeliveredEvent) => event,
    }),
  }),
});

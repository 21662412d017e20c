/** The root of subscriptions: what happens, as `/v1/stream` delivers it. */
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

/** What events can be chosen by, besides type and registry. */
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
      extensions: readsRows(NOTHING),
      subscribe: (_, { filter, after }, { listen }) => {
        const properties = filtersOf(PROPERTIES, filter);
        const types = filter?.types ?? undefined;
        const registry = filter?.registry ?? undefined;
        return listen({ types, registry, properties }, after ?? null);
      },
      resolve: (event: DeliveredEvent) => event,
    }),
  }),
});

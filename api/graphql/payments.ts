/** Payment: an x402 payment on Base. */

import { findPayment, PAYMENTS, type Payment } from "../queries/payments/payments.ts";
import type { EventId } from "../queries/state/eventId.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { connectFiltered } from "./builder/connection.ts";
import { filterFields, timeRange } from "./builder/filters.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { findEvent, registerLookup } from "./builder/objectById.ts";
import { ChainEvent } from "./chainEvents.ts";
import { readsPage } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { NodeFilter, NodeSort, nodes, nodesPage, TeeNodeConnection } from "./nodeLists.ts";
import { nodeName, TeeNodeRef } from "./nodes.ts";
import { PayerRef } from "./payers.ts";
import { tokenInfo } from "./tokens.ts";

export const PaymentRef = builder.objectRef<Scoped<Payment>>("Payment");

const PaymentConnection = builder.connectionObject(
  { type: PaymentRef, name: "PaymentConnection", description: "A page of payments." },
  { description: "A payment in a page." },
);

export const PaymentScheme = builder.enumType("PaymentScheme", {
  description: "x402's payment schemes.",
  values: {
    EXACT: { value: "exact", description: "The amount that was agreed on." },
    UPTO: { value: "upto", description: "What was used, up to a cap that the payer signed." },
    BATCH_SETTLEMENT: { value: "batch-settlement", description: "Claimed from a pre-funded channel." },
  } as const,
});

const PaymentMethod = builder.enumType("PaymentMethod", {
  description: "How a payment moved.",
  values: {
    PERMIT2: { value: "permit2", description: "By Permit2 through an x402 proxy." },
    EIP3009: { value: "eip3009", description: "By the token's own transferWithAuthorization." },
    CHANNEL: { value: "channel", description: "Claimed from a pre-funded channel." },
  } as const,
});

PaymentRef.implement({
  description: "An x402 payment on Base. Evidence of demand, never of quality.",
  interfaces: [builder.nodeInterfaceRef(), ChainEvent],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API.",
      resolve: ({ id, view }) => encodeGlobalId("Payment", id, view.at),
    }),
    paidAt: t.expose("paidAt", { type: "Timestamp" }),
    scheme: t.expose("scheme", { type: PaymentScheme }),
    method: t.expose("method", { type: PaymentMethod }),
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    payer: t.expose("payer", { type: "Address" }),
    payerAccount: t.field({
      type: PayerRef,
      description: "The payer, with all its payments.",
      resolve: ({ payer, view }) => view.scope({ address: payer }),
    }),
    payee: t.expose("payee", { type: "Address" }),
    payeeNodes: t.connection(
      {
        type: TeeNodeRef,
        nullable: true,
        description: "Nodes that name the payee as their payment address; one address may serve many.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which of them." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        },
        extensions: nodesPage,
        resolve: ({ payee, view }, args) =>
          nodes(view, `Payment.payeeNodes ${payee}`, args, { paymentAddress: payee }),
      },
      TeeNodeConnection,
    ),
    amount: t.expose("amount", { type: "BigInt" }),
    permittedAmount: t.expose("permittedAmount", { type: "BigInt", nullable: true }),
    facilitator: t.expose("facilitator", { type: "Address" }),
    organic: t.exposeBoolean("organic", { nullable: true }),
  }),
});

export const paymentByEvent = async (view: View, id: EventId): Promise<Payment | null> =>
  findPayment(view.state.transaction, await view.base(), await view.optionalOg(), id);

registerLookup("Payment", {
  sources: FROM.baseAndMaybeOg,
  keyParts: 1,
  find: findEvent("base", paymentByEvent),
});

export const PaymentFilter = builder.inputType("PaymentFilter", {
  description: "Which payments; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      PAYMENTS.filters,
      { scheme: PaymentScheme },
      {
        payer: "Who paid.",
        payee: "Who was paid.",
        facilitator: "Sender of the transaction.",
        token: "The token's contract.",
        scheme: "How it was paid.",
        ...timeRange("Paid"),
      },
    ),
});

/** What every field that is a list of payments shares. */
const paymentList = {
  type: PaymentRef,
  nullable: true,
  args: builder.args((t) => ({ filter: t.field({ type: PaymentFilter, description: "Which payments." }) })),
  extensions: readsPage(PAYMENTS.sources),
} as const;

builder.queryFields((t) => ({
  payments: t.connection(
    {
      ...paymentList,
      description: "x402 payments, newest first.",
      resolve: (_, args, { state }) => connectFiltered(PAYMENTS, state.view(null), "Query.payments", args),
    },
    PaymentConnection,
  ),
}));

builder.objectFields(TeeNodeRef, (t) => ({
  payments: t.connection(
    {
      ...paymentList,
      description:
        "Payments to its payment address, newest first, other nodes' with the same address included; null without an address.",
      resolve: (node, args) =>
        node.paymentAddress === null
          ? null
          : connectFiltered(PAYMENTS, node.view, `TeeNode.payments ${nodeName(node)}`, args, {
              payee: node.paymentAddress,
            }),
    },
    PaymentConnection,
  ),
}));

builder.objectFields(PayerRef, (t) => ({
  payments: t.connection(
    {
      ...paymentList,
      description: "What it paid, newest first.",
      resolve: ({ address, view }, args) =>
        connectFiltered(PAYMENTS, view, "Payer.payments", args, { payer: address }),
    },
    PaymentConnection,
  ),
}));

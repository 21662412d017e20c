/** Payment: an x402 payment on Base. */
import { builder } from "../builder.ts";
import { encodeGlobalId } from "../globalId.ts";
import { NODES_LOOKED_THROUGH, NodeFilter, NodeSort, nodes } from "../lists/nodes.ts";
import { PaymentScheme } from "../lists/payments.ts";
import { FROM, readsPage } from "../reads.ts";
import { PayerRef, PaymentRef, TeeNodeConnection, TeeNodeRef } from "../refs.ts";
import { ChainEvent } from "./chainEvent.ts";
import { tokenInfo } from "./token.ts";

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
    paidAt: t.expose("paidAt", { type: "Timestamp", description: "Block time, unix seconds." }),
    scheme: t.expose("scheme", { type: PaymentScheme, description: "x402's scheme." }),
    method: t.expose("method", { type: PaymentMethod, description: "How it moved." }),
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    payer: t.expose("payer", { type: "Address", description: "Who paid." }),
    payerAccount: t.field({
      type: PayerRef,
      description: "The payer, with all its payments.",
      resolve: ({ payer, view }) => view.show({ address: payer }),
    }),
    payee: t.expose("payee", { type: "Address", description: "Who was paid." }),
    payeeNodes: t.connection(
      {
        type: TeeNodeRef,
        nullable: true,
        description: "Nodes that name the payee as their payment address; one address may serve many.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which of them." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        },
        extensions: readsPage(FROM.proofs, 3, NODES_LOOKED_THROUGH),
        resolve: ({ payee, view }, args) =>
          nodes(view, `Payment.payeeNodes ${payee}`, args, { paymentAddress: payee }),
      },
      TeeNodeConnection,
    ),
    amount: t.expose("amount", { type: "BigInt", description: "Paid, in base units of the token." }),
    permittedAmount: t.expose("permittedAmount", {
      type: "BigInt",
      nullable: true,
      description:
        "The cap the payer signed, in base units of the token; null when another contract called the proxy.",
    }),
    facilitator: t.expose("facilitator", { type: "Address", description: "Sender of the transaction." }),
    organic: t.exposeBoolean("organic", {
      nullable: true,
      description:
        "False when the payer is the payee, its operator or another insider; null while OpenGradient cannot be answered from.",
    }),
  }),
});

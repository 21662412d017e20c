/** Channel: a pre-funded account from which vouchers are claimed. */
import type { Channel } from "../../queries/payments/channels.ts";
import { builder } from "../builder.ts";
import { encodeGlobalId } from "../globalId.ts";
import { ChannelState } from "../lists/channels.ts";
import { ChannelRef, PayerRef } from "../refs.ts";
import { tokenInfo } from "./token.ts";

const PendingWithdrawal = builder
  .objectRef<NonNullable<Channel["pendingWithdrawal"]>>("PendingWithdrawal")
  .implement({
    description: "What a payer has announced to take out.",
    fields: (t) => ({
      amount: t.expose("amount", { type: "BigInt", description: "In base units of the token." }),
      finalizableAt: t.expose("finalizableAt", {
        type: "Timestamp",
        nullable: true,
        description: "From when on it can be taken, unix seconds.",
      }),
    }),
  });

ChannelRef.implement({
  description:
    "A pre-funded account of x402BatchSettlement on Base. Balance and claimed are the contract's own figures.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API.",
      resolve: ({ channelId, view }) => encodeGlobalId("Channel", channelId, view.at),
    }),
    channelId: t.expose("channelId", { type: "Hex", description: "The contract's id for it, 32 bytes." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    payer: t.expose("payer", { type: "Address", description: "Who funds it." }),
    payerAccount: t.field({
      type: PayerRef,
      description: "The payer, with all its payments.",
      resolve: ({ payer, view }) => view.show({ address: payer }),
    }),
    payerAuthorizer: t.expose("payerAuthorizer", {
      type: "Address",
      description: "Whose signature makes a voucher.",
    }),
    receiver: t.expose("receiver", { type: "Address", description: "Who is paid from it." }),
    receiverAuthorizer: t.expose("receiverAuthorizer", {
      type: "Address",
      description: "Who may claim and refund for the receiver.",
    }),
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    withdrawDelaySeconds: t.expose("withdrawDelaySeconds", {
      type: "Long",
      description: "From announcing a withdrawal to taking it, seconds.",
    }),
    salt: t.expose("salt", {
      type: "Hex",
      description: "Tells channels between the same parties apart, 32 bytes.",
    }),
    balance: t.expose("balance", {
      type: "BigInt",
      description: "Funds that came in and were not taken out, claimed ones included, in base units.",
    }),
    claimed: t.expose("claimed", {
      type: "BigInt",
      description: "Claimed by the receiver so far, in base units; claiming does not lower the balance.",
    }),
    refunded: t.expose("refunded", { type: "BigInt", description: "Given back, in base units." }),
    withdrawn: t.expose("withdrawn", {
      type: "BigInt",
      description: "Taken out by the payer, in base units.",
    }),
    pendingWithdrawal: t.expose("pendingWithdrawal", {
      type: PendingWithdrawal,
      nullable: true,
      description: "An announced withdrawal; null without one.",
    }),
    state: t.expose("state", { type: ChannelState, description: "What it can be used for." }),
    createdAt: t.expose("createdAt", {
      type: "Timestamp",
      description: "When it was created, unix seconds.",
    }),
    updatedAt: t.expose("updatedAt", { type: "Timestamp", description: "Its newest event, unix seconds." }),
  }),
});

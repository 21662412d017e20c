/** Channel: a pre-funded account from which vouchers are claimed. */
import { CHANNELS, type Channel, findChannel } from "../queries/payments/channels.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { connectFiltered } from "./builder/connection.ts";
import { filterFields, hash32, timeRange } from "./builder/filters.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { isHash, registerLookup } from "./builder/objectById.ts";
import { counting } from "./builder/totalCount.ts";
import { readsPage, readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { PayerRef } from "./payers.ts";
import { PaymentScheme } from "./payments.ts";
import { tokenInfo } from "./tokens.ts";

const ChannelRef = builder.objectRef<Scoped<Channel>>("Channel");

const ChannelConnection = builder.connectionObject(
  { type: ChannelRef, name: "ChannelConnection", description: "A page of channels.", ...counting(250) },
  { description: "A channel in a page." },
);

export const ChannelState = builder.enumType("ChannelState", {
  description: "What a channel can be used for.",
  values: {
    OPEN: { value: "open", description: "Funded; vouchers can be claimed." },
    WITHDRAWING: { value: "withdrawing", description: "The payer has announced to take funds out." },
    CLOSED: { value: "closed", description: "Closed." },
  } as const,
});

const PendingWithdrawal = builder
  .objectRef<NonNullable<Channel["pendingWithdrawal"]>>("PendingWithdrawal")
  .implement({
    description: "What a payer has announced to take out.",
    fields: (t) => ({
      amount: t.expose("amount", { type: "BigInt" }),
      finalizableAt: t.expose("finalizableAt", { type: "Timestamp", nullable: true }),
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
    channelId: t.expose("channelId", { type: "Hex" }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    payer: t.expose("payer", { type: "Address" }),
    payerAccount: t.field({
      type: PayerRef,
      description: "The payer, with all its payments.",
      resolve: ({ payer, view }) => view.scope({ address: payer }),
    }),
    payerAuthorizer: t.expose("payerAuthorizer", { type: "Address" }),
    receiver: t.expose("receiver", { type: "Address" }),
    receiverAuthorizer: t.expose("receiverAuthorizer", { type: "Address" }),
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    withdrawDelaySeconds: t.expose("withdrawDelaySeconds", { type: "Long" }),
    salt: t.expose("salt", { type: "Hex" }),
    balance: t.expose("balance", { type: "BigInt" }),
    claimed: t.expose("claimed", { type: "BigInt" }),
    refunded: t.expose("refunded", { type: "BigInt" }),
    withdrawn: t.expose("withdrawn", { type: "BigInt" }),
    pendingWithdrawal: t.expose("pendingWithdrawal", { type: PendingWithdrawal, nullable: true }),
    state: t.expose("state", { type: ChannelState, description: "What it can be used for." }),
    createdAt: t.expose("createdAt", { type: "Timestamp" }),
    updatedAt: t.expose("updatedAt", { type: "Timestamp" }),
  }),
});

async function channelById(view: View, channelId: string): Promise<Scoped<Channel> | null> {
  const channel = await findChannel(view.state.transaction, await view.base(), channelId);
  return channel === null ? null : view.scope(channel);
}

registerLookup("Channel", {
  sources: FROM.base,
  keyParts: 1,
  find: async (view, [channelId]) => (isHash(channelId) ? channelById(view, channelId) : undefined),
});

export const ChannelFilter = builder.inputType("ChannelFilter", {
  description: "Which channels; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      CHANNELS.filters,
      { scheme: PaymentScheme, state: ChannelState },
      {
        payer: "Who funds it.",
        payee: "Who is paid from it.",
        token: "The token's contract.",
        scheme: "Channels belong to BATCH_SETTLEMENT.",
        state: "What it can be used for.",
        ...timeRange("Created"),
      },
    ),
});

/** What every field that is a list of channels shares. */
const channelList = {
  type: ChannelRef,
  nullable: true,
  args: builder.args((t) => ({ filter: t.field({ type: ChannelFilter, description: "Which channels." }) })),
  extensions: readsPage(CHANNELS.sources),
} as const;

builder.queryFields((t) => ({
  channels: t.connection(
    {
      ...channelList,
      description: "Pre-funded accounts, the newest created first.",
      resolve: (_, args, { state }) => connectFiltered(CHANNELS, state.view(null), "Query.channels", args),
    },
    ChannelConnection,
  ),
  channel: t.field({
    type: ChannelRef,
    nullable: true,
    description: "One pre-funded account; null when there is none.",
    args: {
      channelId: t.arg({ type: "Hex", required: true, description: "The contract's id for it, 32 bytes." }),
    },
    extensions: readsRows(FROM.base),
    resolve: (_, { channelId }, { state }) => channelById(state.view(null), hash32("channelId", channelId)),
  }),
}));

builder.objectFields(PayerRef, (t) => ({
  channels: t.connection(
    {
      ...channelList,
      description: "The channels it funds, the newest created first.",
      resolve: ({ address, view }, args) =>
        connectFiltered(CHANNELS, view, "Payer.channels", args, { payer: address }),
    },
    ChannelConnection,
  ),
}));

/** Payer: an address as a payer. */

import {
  findPayer,
  type OperatorSpending,
  type PayeeSpending,
  type Payer,
  type Spending,
} from "../queries/payments/payers.ts";
import { FROM } from "../queries/state/list.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { findAccount, registerLookup } from "./builder/objectById.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import type { Scoped } from "./execution/state.ts";
import { tokenInfo } from "./tokens.ts";

/** An address in this role. */
interface PayerAccount {
  readonly address: string;
}

export const PayerRef = builder.objectRef<Scoped<PayerAccount>>("Payer");

const ORGANIC =
  "What of it is organic, at most one whole token per operator and day, in base units; null for tokens without such a bound, and while OpenGradient is not indexed.";

const SpendingRef = builder.objectRef<Spending>("PayerSpending").implement({
  description: "What a payer paid in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    organic: t.expose("organic", { type: "BigInt", nullable: true, description: ORGANIC }),
    payments: t.expose("payments", { type: "Long", description: "Payments; a count." }),
  }),
});

const OperatorSpendingRef = builder.objectRef<OperatorSpending>("PayerOperatorSpending").implement({
  description: "What a payer paid to one operator in one token.",
  fields: (t) => ({
    operator: t.expose("operator", {
      type: "Address",
      nullable: true,
      description: "The operator; null stands for all payees that are no operator's own.",
    }),
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    organic: t.expose("organic", { type: "BigInt", nullable: true, description: ORGANIC }),
    payments: t.expose("payments", { type: "Long", description: "Payments; a count." }),
  }),
});

const PayeeSpendingRef = builder.objectRef<PayeeSpending>("PayerPayeeSpending").implement({
  description: "What a payer paid to one address in one token.",
  fields: (t) => ({
    payee: t.expose("payee", { type: "Address", description: "The address that was paid." }),
    operator: t.expose("operator", {
      type: "Address",
      nullable: true,
      description: "The operator whose own the address is; null when it is nobody's.",
    }),
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    payments: t.expose("payments", { type: "Long", description: "Payments; a count." }),
    firstDayAt: t.expose("firstDayAt", {
      type: "Timestamp",
      description: "Midnight (UTC) of the first day it was paid, unix seconds.",
    }),
    lastDayAt: t.expose("lastDayAt", {
      type: "Timestamp",
      description: "Midnight (UTC) of the last day it was paid, unix seconds.",
    }),
  }),
});

const ChannelCounts = builder.objectRef<NonNullable<Payer["channels"]>>("ChannelCounts").implement({
  description: "Channels by state; counts.",
  fields: (t) => ({
    open: t.expose("open", { type: "Long", description: "Open; a count." }),
    withdrawing: t.expose("withdrawing", {
      type: "Long",
      description: "About to be withdrawn from; a count.",
    }),
    closed: t.expose("closed", { type: "Long", description: "Closed; a count." }),
  }),
});

const PayerRecordRef = builder.objectRef<Payer>("PayerRecord").implement({
  description:
    "What a payer paid, in which tokens and to whom. Sums are null when it has too many days of payees to add up.",
  fields: (t) => ({
    firstPaidAt: t.expose("firstPaidAt", {
      type: "Timestamp",
      nullable: true,
      description: "Its first payment, unix seconds; null for one who only funds channels.",
    }),
    lastPaidAt: t.expose("lastPaidAt", {
      type: "Timestamp",
      nullable: true,
      description: "Its newest payment, unix seconds.",
    }),
    insider: t.exposeBoolean("insider", {
      nullable: true,
      description:
        "Whether it is a payment address, a relayer or an admin: then nothing it pays is organic. Null while OpenGradient is not indexed.",
    }),
    payments: t.expose("payments", { type: "Long", nullable: true, description: "Payments; a count." }),
    spending: t.expose("spending", { type: [SpendingRef], nullable: true, description: "Per token." }),
    operators: t.expose("operators", {
      type: [OperatorSpendingRef],
      nullable: true,
      description: "Per operator and token, those paid most often; null while OpenGradient is not indexed.",
    }),
    payees: t.expose("payees", {
      type: [PayeeSpendingRef],
      nullable: true,
      description: "Per address and token, those paid most often.",
    }),
    payeeCount: t.expose("payeeCount", {
      type: "Long",
      nullable: true,
      description: "Distinct addresses that it paid; a count.",
    }),
    channels: t.expose("channels", {
      type: ChannelCounts,
      nullable: true,
      description: "Channels that it funds, by state.",
    }),
  }),
});

PayerRef.implement({
  description:
    "An address as a payer. Any address can be asked about; lists of those that never paid are empty.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ address, view }) => encodeGlobalId("Payer", address, view.at),
    }),
    address: t.expose("address", { type: "Address", description: "The payer's address." }),
    record: t.field({
      type: PayerRecordRef,
      nullable: true,
      description: "What it paid, added up; null when it never paid and funds no channel.",
      extensions: readsRows(FROM.baseAndMaybeOg, 2_000),
      resolve: async ({ address, view }) => {
        const { transaction, settings } = view.state;
        return findPayer(transaction, await view.base(), await view.optionalOg(), address, settings);
      },
    }),
  }),
});

registerLookup("Payer", { sources: NOTHING, keyParts: 1, find: findAccount });

builder.queryFields((t) => ({
  payer: t.field({
    type: PayerRef,
    description: "An address as a payer.",
    args: {
      address: t.arg({ type: "Address", required: true, description: "The payer's address." }),
      at: t.arg(AT),
    },
    resolve: (_, { address, at }, { state }) => state.view(at).scope({ address }),
  }),
}));

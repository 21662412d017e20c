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
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    organic: t.expose("organic", { type: "BigInt", nullable: true, description: ORGANIC }),
    payments: t.expose("payments", { type: "Long" }),
  }),
});

const OperatorSpendingRef = builder.objectRef<OperatorSpending>("PayerOperatorSpending").implement({
  description: "What a payer paid to one operator in one token.",
  fields: (t) => ({
    operator: t.expose("operator", { type: "Address", nullable: true }),
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    organic: t.expose("organic", { type: "BigInt", nullable: true, description: ORGANIC }),
    payments: t.expose("payments", { type: "Long" }),
  }),
});

const PayeeSpendingRef = builder.objectRef<PayeeSpending>("PayerPayeeSpending").implement({
  description: "What a payer paid to one address in one token.",
  fields: (t) => ({
    payee: t.expose("payee", { type: "Address" }),
    operator: t.expose("operator", { type: "Address", nullable: true }),
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    payments: t.expose("payments", { type: "Long" }),
    firstDayAt: t.expose("firstDayAt", { type: "Timestamp" }),
    lastDayAt: t.expose("lastDayAt", { type: "Timestamp" }),
  }),
});

const ChannelCounts = builder.objectRef<NonNullable<Payer["channels"]>>("ChannelCounts").implement({
  description: "Channels by state; counts.",
  fields: (t) => ({
    open: t.expose("open", { type: "Long" }),
    withdrawing: t.expose("withdrawing", { type: "Long" }),
    closed: t.expose("closed", { type: "Long" }),
  }),
});

const PayerRecordRef = builder.objectRef<Payer>("PayerRecord").implement({
  description:
    "What a payer paid, in which tokens and to whom. Sums are null when it has too many days of payees to add up.",
  fields: (t) => ({
    firstPaidAt: t.expose("firstPaidAt", { type: "Timestamp", nullable: true }),
    lastPaidAt: t.expose("lastPaidAt", { type: "Timestamp", nullable: true }),
    insider: t.exposeBoolean("insider", { nullable: true }),
    payments: t.expose("payments", { type: "Long", nullable: true }),
    spending: t.expose("spending", { type: [SpendingRef], nullable: true }),
    operators: t.expose("operators", { type: [OperatorSpendingRef], nullable: true }),
    payees: t.expose("payees", { type: [PayeeSpendingRef], nullable: true }),
    payeeCount: t.expose("payeeCount", { type: "Long", nullable: true }),
    channels: t.expose("channels", { type: ChannelCounts, nullable: true }),
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

/** Payer and Relayer: addresses in a role. */

import { findPayer } from "../../queries/payments/payers.ts";
import { findRelayer } from "../../queries/settlements/relayers.ts";
import { builder } from "../builder.ts";
import { encodeGlobalId } from "../globalId.ts";
import { ChannelFilter, channels } from "../lists/channels.ts";
import { InferenceFilter, inferences } from "../lists/inferences.ts";
import { PaymentFilter, payments } from "../lists/payments.ts";
import { SettlementFilter, settlements } from "../lists/settlements.ts";
import { FROM, readsPage, readsRows } from "../reads.ts";
import {
  ChannelConnection,
  ChannelRef,
  InferenceConnection,
  InferenceRef,
  PayerRef,
  PaymentConnection,
  PaymentRef,
  RelayerRef,
  SettlementConnection,
  SettlementRef,
} from "../refs.ts";
import { PayerRecordRef } from "./payerRecord.ts";
import { RelayerRecordRef } from "./relayerRecord.ts";

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
    payments: t.connection(
      {
        type: PaymentRef,
        nullable: true,
        description: "What it paid, newest first.",
        args: { filter: t.arg({ type: PaymentFilter, description: "Which payments." }) },
        extensions: readsPage(FROM.baseAndMaybeOg),
        resolve: ({ address, view }, args) => payments(view, "Payer.payments", args, { payer: address }),
      },
      PaymentConnection,
    ),
    channels: t.connection(
      {
        type: ChannelRef,
        nullable: true,
        description: "The channels it funds, the newest created first.",
        args: { filter: t.arg({ type: ChannelFilter, description: "Which channels." }) },
        extensions: readsPage(FROM.base),
        resolve: ({ address, view }, args) => channels(view, "Payer.channels", args, { payer: address }),
      },
      ChannelConnection,
    ),
    claimedSettlements: t.connection(
      {
        type: SettlementRef,
        nullable: true,
        description: "Settlements that relayers say it paid for, newest first; nobody signed that.",
        args: { filter: t.arg({ type: SettlementFilter, description: "Which settlements." }) },
        extensions: readsPage(FROM.proofs),
        resolve: ({ address, view }, args) =>
          settlements(view, "Payer.claimedSettlements", args, { payer: address }),
      },
      SettlementConnection,
    ),
    claimedInferences: t.connection(
      {
        type: InferenceRef,
        nullable: true,
        description: "Inferences that relayers say it paid for, newest signed first; nobody signed that.",
        args: { filter: t.arg({ type: InferenceFilter, description: "Which inferences." }) },
        extensions: readsPage(FROM.proofs, 3),
        resolve: ({ address, view }, args) =>
          inferences(view, "Payer.claimedInferences", args, { payer: address }),
      },
      InferenceConnection,
    ),
  }),
});

RelayerRef.implement({
  description:
    "An address as a relayer: the sender of settlements and heartbeats. Any address can be asked about.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ address, view }) => encodeGlobalId("Relayer", address, view.at),
    }),
    address: t.expose("address", { type: "Address", description: "The relayer's address." }),
    record: t.field({
      type: RelayerRecordRef,
      nullable: true,
      description: "What it sent, and what it was worth; null when it sent nothing.",
      extensions: readsRows(FROM.proofs, 2_000),
      resolve: async ({ address, view }) =>
        findRelayer(view.state.transaction, view.state.proofs, await view.og(), address),
    }),
    settlements: t.connection(
      {
        type: SettlementRef,
        nullable: true,
        description: "What it settled, newest first.",
        args: { filter: t.arg({ type: SettlementFilter, description: "Which settlements." }) },
        extensions: readsPage(FROM.proofs),
        resolve: ({ address, view }, args) =>
          settlements(view, "Relayer.settlements", args, { relayer: address }),
      },
      SettlementConnection,
    ),
  }),
});

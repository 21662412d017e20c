/** Payer and Relayer: addresses in a role. */
import { builder } from "../builder.ts";
import { encodeGlobalId } from "../globalId.ts";
import { ChannelFilter, channels } from "../lists/channels.ts";
import { PaymentFilter, payments } from "../lists/payments.ts";
import { SettlementFilter, settlements } from "../lists/settlements.ts";
import { FROM, readsPage } from "../reads.ts";
import {
  ChannelConnection,
  ChannelRef,
  PayerRef,
  PaymentConnection,
  PaymentRef,
  RelayerRef,
  SettlementConnection,
  SettlementRef,
} from "../refs.ts";

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
  }),
});

RelayerRef.implement({
  description: "An address as a relayer: the sender of settlements and heartbeats.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ address, view }) => encodeGlobalId("Relayer", address, view.at),
    }),
    address: t.expose("address", { type: "Address", description: "The relayer's address." }),
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

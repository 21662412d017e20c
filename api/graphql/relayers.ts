/** Relayer: an address as the sender of settlements and heartbeats. */

import { findRelayer, type Latency, type Relayer } from "../queries/settlements/relayers.ts";
import { FROM } from "../queries/state/list.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { findAccount, registerLookup } from "./builder/objectById.ts";
import { NOTHING, readsRows } from "./execution/plan/reads.ts";
import type { Scoped } from "./execution/state.ts";

/** An address in this role. */
interface RelayerAccount {
  readonly address: string;
}

export const RelayerRef = builder.objectRef<Scoped<RelayerAccount>>("Relayer");

const SettledCounts = builder.objectRef<Relayer["settlements"]>("RelayedSettlementCounts").implement({
  description: "Settlements of a relayer by kind; counts.",
  fields: (t) => ({
    individual: t.expose("individual", { type: "Long" }),
    batch: t.expose("batch", { type: "Long" }),
    legacy: t.expose("legacy", { type: "Long" }),
  }),
});

const VerdictCounts = builder.objectRef<Relayer["verdicts"]>("VerdictCounts").implement({
  description: "Settlements by verdict; counts.",
  fields: (t) => ({
    pending: t.expose("pending", { type: "Long" }),
    verified: t.expose("verified", { type: "Long" }),
    partial: t.expose("partial", { type: "Long" }),
    invalid: t.expose("invalid", { type: "Long" }),
    unavailable: t.expose("unavailable", { type: "Long" }),
    unverifiable: t.expose("unverifiable", { type: "Long" }),
  }),
});

const LeafCounts = builder.objectRef<Relayer["leaves"]>("LeafCounts").implement({
  description: "Leaves by verdict; counts.",
  fields: (t) => ({
    valid: t.expose("valid", { type: "Long" }),
    invalid: t.expose("invalid", { type: "Long" }),
    unknownNode: t.expose("unknownNode", { type: "Long" }),
  }),
});

const LatencyRef = builder.objectRef<Latency>("SettlementLatency").implement({
  description: "Time from signature to block.",
  fields: (t) => ({
    p50Seconds: t.expose("p50Seconds", { type: "Long", nullable: true }),
    p95Seconds: t.expose("p95Seconds", { type: "Long", nullable: true }),
    samples: t.expose("samples", { type: "Long" }),
  }),
});

const RelayedHeartbeatsRef = builder.objectRef<Relayer["heartbeats"]>("RelayedHeartbeats").implement({
  description: "Heartbeats that a relayer sent in the last 24 hours.",
  fields: (t) => ({
    sent: t.expose("sent", { type: "Long" }),
    repeated: t.expose("repeated", { type: "Long" }),
    lateness: t.field({
      type: LatencyRef,
      resolve: ({ lateness }) => lateness,
    }),
  }),
});

const RelayerRecordRef = builder.objectRef<Relayer>("RelayerRecord").implement({
  description: "What a relayer sent, and what it was worth.",
  fields: (t) => ({
    firstSeenAt: t.expose("firstSeenAt", { type: "Timestamp" }),
    lastSeenAt: t.expose("lastSeenAt", { type: "Timestamp" }),
    lastHeartbeatAt: t.expose("lastHeartbeatAt", { type: "Timestamp", nullable: true }),
    heartbeats: t.field({
      type: RelayedHeartbeatsRef,
      resolve: ({ heartbeats }) => heartbeats,
    }),
    settlements: t.expose("settlements", { type: SettledCounts }),
    verdicts: t.expose("verdicts", { type: VerdictCounts }),
    leaves: t.expose("leaves", { type: LeafCounts }),
    proofAvailability: t.exposeFloat("proofAvailability", { nullable: true }),
    individualLatency: t.field({
      type: LatencyRef,
      description: "Of its newest individual settlements.",
      resolve: ({ settlementLatency }) => settlementLatency.individual,
    }),
    batchLatency: t.field({
      type: LatencyRef,
      description: "Of the first valid leaves of its newest proven batches.",
      resolve: ({ settlementLatency }) => settlementLatency.batch,
    }),
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
    address: t.expose("address", { type: "Address" }),
    record: t.field({
      type: RelayerRecordRef,
      nullable: true,
      description: "What it sent, and what it was worth; null when it sent nothing.",
      extensions: readsRows(FROM.proofs, 2_000),
      resolve: async ({ address, view }) =>
        findRelayer(view.state.transaction, view.state.proofs, await view.og(), address),
    }),
  }),
});

registerLookup("Relayer", { sources: NOTHING, keyParts: 1, find: findAccount });

builder.queryFields((t) => ({
  relayer: t.field({
    type: RelayerRef,
    description: "An address as a relayer.",
    args: {
      address: t.arg({ type: "Address", required: true, description: "The relayer's address." }),
      at: t.arg(AT),
    },
    resolve: (_, { address, at }, { state }) => state.view(at).scope({ address }),
  }),
}));

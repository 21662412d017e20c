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
    individual: t.expose("individual", { type: "Long", description: "Of one inference each; a count." }),
    batch: t.expose("batch", { type: "Long", description: "Merkle roots of many; a count." }),
    legacy: t.expose("legacy", { type: "Long", description: "Events of earlier contracts; a count." }),
  }),
});

const VerdictCounts = builder.objectRef<Relayer["verdicts"]>("VerdictCounts").implement({
  description: "Settlements by verdict; counts.",
  fields: (t) => ({
    pending: t.expose("pending", { type: "Long", description: "Not checked yet; a count." }),
    verified: t.expose("verified", { type: "Long", description: "Every signature valid; a count." }),
    partial: t.expose("partial", { type: "Long", description: "Some leaves count, some do not; a count." }),
    invalid: t.expose("invalid", { type: "Long", description: "Contents that prove nothing; a count." }),
    unavailable: t.expose("unavailable", { type: "Long", description: "Blobs that cannot be had; a count." }),
    unverifiable: t.expose("unverifiable", { type: "Long", description: "Nothing to check; a count." }),
  }),
});

const LeafCounts = builder.objectRef<Relayer["leaves"]>("LeafCounts").implement({
  description: "Leaves by verdict; counts.",
  fields: (t) => ({
    valid: t.expose("valid", { type: "Long", description: "Signed by a registered node; a count." }),
    invalid: t.expose("invalid", { type: "Long", description: "Not signed by the node they name; a count." }),
    unknownNode: t.expose("unknownNode", { type: "Long", description: "Naming no known node; a count." }),
  }),
});

const LatencyRef = builder.objectRef<Latency>("SettlementLatency").implement({
  description: "Time from signature to block.",
  fields: (t) => ({
    p50Seconds: t.expose("p50Seconds", {
      type: "Long",
      nullable: true,
      description: "Median, seconds; null without samples.",
    }),
    p95Seconds: t.expose("p95Seconds", {
      type: "Long",
      nullable: true,
      description: "95th percentile, seconds; null without samples.",
    }),
    samples: t.expose("samples", { type: "Long", description: "What these are of; a count." }),
  }),
});

const RelayedHeartbeatsRef = builder.objectRef<Relayer["heartbeats"]>("RelayedHeartbeats").implement({
  description: "Heartbeats that a relayer sent in the last 24 hours.",
  fields: (t) => ({
    sent: t.expose("sent", { type: "Long", description: "All of them; a count." }),
    repeated: t.expose("repeated", {
      type: "Long",
      description: "Of those in `lateness`, the ones whose signed second had been sent before; a count.",
    }),
    lateness: t.field({
      type: LatencyRef,
      description: "Time from signed second to block of the newest of them.",
      resolve: ({ lateness }) => lateness,
    }),
  }),
});

const RelayerRecordRef = builder.objectRef<Relayer>("RelayerRecord").implement({
  description: "What a relayer sent, and what it was worth.",
  fields: (t) => ({
    firstSeenAt: t.expose("firstSeenAt", {
      type: "Timestamp",
      description: "Its first settlement or heartbeat, unix seconds.",
    }),
    lastSeenAt: t.expose("lastSeenAt", {
      type: "Timestamp",
      description: "Its newest settlement or heartbeat, unix seconds.",
    }),
    lastHeartbeatAt: t.expose("lastHeartbeatAt", {
      type: "Timestamp",
      nullable: true,
      description: "The newest heartbeat it relayed, unix seconds; null without one.",
    }),
    heartbeats: t.field({
      type: RelayedHeartbeatsRef,
      description: "What it relayed of heartbeats lately.",
      resolve: ({ heartbeats }) => heartbeats,
    }),
    settlements: t.expose("settlements", { type: SettledCounts, description: "What it settled, by kind." }),
    verdicts: t.expose("verdicts", { type: VerdictCounts, description: "What it settled, by verdict." }),
    leaves: t.expose("leaves", {
      type: LeafCounts,
      description: "Leaves of its proven batches by verdict; individual settlements are not among them.",
    }),
    proofAvailability: t.exposeFloat("proofAvailability", {
      nullable: true,
      description:
        "Share of its decided batches whose blob could be had, 0 to 1; null while none is decided.",
    }),
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
    address: t.expose("address", { type: "Address", description: "The relayer's address." }),
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

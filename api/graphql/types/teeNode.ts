/** TeeNode: a node of the network as it is, or was at the moment asked about. */
import type { Node } from "../../queries/nodes/nodes.ts";
import { nodeSeriesSources } from "../../queries/series/series.ts";
import { builder } from "../builder.ts";
import type { Seen } from "../execution/view.ts";
import { encodeGlobalId } from "../globalId.ts";
import { InferenceFilter, inferences } from "../lists/inferences.ts";
import {
  HeartbeatFilter,
  heartbeats,
  IntervalFilter,
  intervals,
  NodeEventFilter,
  nodeEvents,
} from "../lists/nodeHistory.ts";
import { nodeSeries } from "../lists/nodeSeries.ts";
import { NodeStatus } from "../lists/nodes.ts";
import { PaymentFilter, payments } from "../lists/payments.ts";
import { NodeSeriesMetric, readsSeries, SeriesIntervalEnum } from "../lists/series.ts";
import { SettlementFilter, settlements } from "../lists/settlements.ts";
import { FROM, readsPage, readsRows } from "../reads.ts";
import {
  HeartbeatConnection,
  HeartbeatRef,
  InferenceConnection,
  InferenceRef,
  LivenessIntervalConnection,
  LivenessIntervalRef,
  NodeEventConnection,
  NodeEventRef,
  OperatorRef,
  PaymentConnection,
  PaymentRef,
  SettlementConnection,
  SettlementRef,
  TeeNodeRef,
} from "../refs.ts";
import { MetricsWindow, NodeMetricsRef } from "./nodeMetrics.ts";
import { NodePcr, OhttpConfig, TeeTypeName } from "./nodeRecord.ts";
import { PrecisionEnum } from "./precision.ts";
import { NodeScoreRef } from "./score.ts";
import { SeriesPoint } from "./series.ts";

const RecordSource = builder.enumType("RecordSource", {
  description: "Where a node's record was read.",
  values: {
    CALL: { value: "call", description: "The registry's view, at the block of the registration." },
    CALLDATA: { value: "calldata", description: "The registering transaction's input." },
    OBSERVATION: {
      value: "observation",
      description: "A later reading of the view that said something else.",
    },
  } as const,
});

/** One node has its keys already; those of lists are read when they are asked for, and then together. */
const withKeys = async (node: Seen<Node>): Promise<Node> =>
  node.publicKeyBytes !== null || node.tlsCertificateBytes !== null
    ? node
    : ((await node.view.loaders.nodeWithKeys.load(node)) ?? node);

const nameOf = ({ registry, teeId }: Node) => `${registry} ${teeId}`;

TeeNodeRef.implement({
  description: "A node: an enclave with a signing key that a registry lists.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ registry, teeId, view }) => encodeGlobalId("TeeNode", registry, teeId, view.at),
    }),
    teeId: t.expose("teeId", {
      type: "Hex",
      description: "keccak256 of the public key, 32 bytes. The same key may be in two registries.",
    }),
    registry: t.expose("registry", { type: "Address", description: "The registry that lists it." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    teeType: t.expose("teeType", { type: TeeTypeName, description: "What kind of node it is." }),
    owner: t.expose("owner", { type: "Address", description: "The operator's address." }),
    operator: t.field({
      type: OperatorRef,
      nullable: true,
      description: "The operator, summed over this registry.",
      extensions: readsRows(FROM.ogAndMaybeBase, 10),
      resolve: async ({ owner, registry, view }) => {
        const registries = [registry];
        const operator = await view.loaders.operator.load({ address: owner, registries });
        return operator === null ? null : view.show({ ...operator, registries });
      },
    }),
    paymentAddress: t.expose("paymentAddress", {
      type: "Address",
      nullable: true,
      description: "Where it wants to be paid; null when the record could not be read.",
    }),
    endpoint: t.exposeString("endpoint", {
      nullable: true,
      description: "Its URL, sanitised and at most 2,048 characters; null when the record could not be read.",
    }),
    endpointHex: t.expose("endpointHex", {
      type: "Hex",
      nullable: true,
      description:
        "The endpoint's raw bytes, when `endpoint` is not exactly what they say; lists show the first 4,096.",
      extensions: readsRows(FROM.nothing),
    }),
    endpointBytes: t.exposeInt("endpointBytes", {
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
    }),
    endpointSha256: t.expose("endpointSha256", {
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
    }),
    publicKey: t.field({
      type: "Hex",
      nullable: true,
      description:
        "Signing key, DER (SPKI), RSA-2048; null when the record could not be read, and in lists when it has more than 16,000 bytes.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).publicKey,
    }),
    publicKeyBytes: t.int({
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).publicKeyBytes,
    }),
    publicKeySha256: t.field({
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).publicKeySha256,
    }),
    tlsCertificate: t.field({
      type: "Hex",
      nullable: true,
      description:
        "The certificate to pin, DER; null when the record could not be read; lists show the first 16,000 bytes.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).tlsCertificate,
    }),
    tlsCertificateBytes: t.int({
      nullable: true,
      description: "How many bytes it has, shown or not; null where there are none.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).tlsCertificateBytes,
    }),
    tlsCertificateSha256: t.field({
      type: "Hex",
      nullable: true,
      description:
        "SHA-256 of all its bytes, 32 bytes, where only the first of them are shown; null where it is whole.",
      extensions: readsRows(FROM.og, 3),
      resolve: async (node) => (await withKeys(node)).tlsCertificateSha256,
    }),
    pcr: t.expose("pcr", {
      type: NodePcr,
      nullable: true,
      description: "The code it runs, by its PCRs; null when the record could not be read.",
    }),
    ohttpConfig: t.expose("ohttpConfig", {
      type: OhttpConfig,
      nullable: true,
      description: "Its key for Oblivious HTTP; null without one.",
    }),
    status: t.expose("status", { type: NodeStatus, description: "What it is." }),
    statusPrecision: t.expose("statusPrecision", {
      type: PrecisionEnum,
      description: "Whether the contract answered so at that moment.",
    }),
    enabled: t.exposeBoolean("enabled", { description: "Whether the registry has it switched on." }),
    registeredAt: t.expose("registeredAt", {
      type: "Timestamp",
      description: "Block time of its registration, unix seconds.",
    }),
    lastHeartbeatAt: t.expose("lastHeartbeatAt", {
      type: "Timestamp",
      description: "Block time of its newest heartbeat, or of its registration, unix seconds.",
    }),
    lastSignedAt: t.expose("lastSignedAt", {
      type: "Timestamp",
      description: "Newest second that it signed in a heartbeat, or of its registration, unix seconds.",
    }),
    recordSource: t.expose("recordSource", {
      type: RecordSource,
      nullable: true,
      description: "Where its record was read; null when it could not be.",
    }),
    score: t.field({
      type: NodeScoreRef,
      nullable: true,
      description: "What it scores at the moment asked about; null for a registry that is not indexed.",
      extensions: readsRows(FROM.og),
      resolve: (node) => node.view.loaders.score.load(node),
    }),
    metrics: t.field({
      type: NodeMetricsRef,
      nullable: true,
      description: "What is known of it over a window that ends at the moment asked about.",
      args: {
        window: t.arg({
          type: MetricsWindow,
          defaultValue: "24h",
          required: true,
          description: "How far back.",
        }),
      },
      extensions: readsRows({ ...FROM.ogAndMaybeBase, proofs: "read" }, 10),
      resolve: ({ registry, teeId, view }, { window }) =>
        view.loaders.metrics.load({ registry, teeId, window }),
    }),
    series: t.field({
      type: [SeriesPoint],
      nullable: true,
      description:
        "One of its metrics by the hour or day, oldest first; at most 1,000 buckets, by default the last 24 hours or 30 days.",
      args: {
        metric: t.arg({ type: NodeSeriesMetric, required: true, description: "What to tell." }),
        interval: t.arg({
          type: SeriesIntervalEnum,
          required: true,
          defaultValue: "hour",
          description: "Width of the buckets.",
        }),
        from: t.arg({
          type: "Timestamp",
          description: "The first bucket is the one that holds it, unix seconds; not after `to`.",
        }),
        to: t.arg({
          type: "Timestamp",
          description: "No bucket begins at or after it, unix seconds. Default: the moment asked about.",
        }),
      },
      extensions: readsSeries(nodeSeriesSources),
      resolve: (node, args) => nodeSeries(node, args),
    }),
    intervals: t.connection(
      {
        type: LivenessIntervalRef,
        nullable: true,
        description: "When it was alive, the newest beginning first.",
        args: { filter: t.arg({ type: IntervalFilter, description: "Which spells." }) },
        extensions: readsPage(FROM.og),
        resolve: (node, args) => intervals(node, args),
      },
      LivenessIntervalConnection,
    ),
    heartbeats: t.connection(
      {
        type: HeartbeatRef,
        nullable: true,
        description: "Its heartbeats, newest first.",
        args: { filter: t.arg({ type: HeartbeatFilter, description: "Which heartbeats." }) },
        extensions: readsPage(FROM.og),
        resolve: (node, args) => heartbeats(node, args),
      },
      HeartbeatConnection,
    ),
    events: t.connection(
      {
        type: NodeEventRef,
        nullable: true,
        description: "What the registry announced of it, newest first; heartbeats are apart.",
        args: { filter: t.arg({ type: NodeEventFilter, description: "Which events." }) },
        extensions: readsPage(FROM.og),
        resolve: (node, args) => nodeEvents(node, args),
      },
      NodeEventConnection,
    ),
    settlements: t.connection(
      {
        type: SettlementRef,
        nullable: true,
        description: "Individual settlements that name it, newest first. Batches name nodes in their leaves.",
        args: { filter: t.arg({ type: SettlementFilter, description: "Which settlements." }) },
        extensions: readsPage(FROM.proofs),
        resolve: (node, args) =>
          settlements(node.view, `TeeNode.settlements ${nameOf(node)}`, args, { teeId: node.teeId }),
      },
      SettlementConnection,
    ),
    inferences: t.connection(
      {
        type: InferenceRef,
        nullable: true,
        description: "Inferences that name it, newest signed first; `signatureValid` says whether it signed.",
        args: { filter: t.arg({ type: InferenceFilter, description: "Which inferences." }) },
        extensions: readsPage(FROM.proofs, 3),
        resolve: (node, args) =>
          inferences(node.view, `TeeNode.inferences ${nameOf(node)}`, args, { teeId: node.teeId }),
      },
      InferenceConnection,
    ),
    payments: t.connection(
      {
        type: PaymentRef,
        nullable: true,
        description:
          "Payments to its payment address, newest first, other nodes' with the same address included; null without an address.",
        args: { filter: t.arg({ type: PaymentFilter, description: "Which payments." }) },
        extensions: readsPage(FROM.baseAndMaybeOg),
        resolve: (node, args) =>
          node.paymentAddress === null
            ? null
            : payments(node.view, `TeeNode.payments ${nameOf(node)}`, args, { payee: node.paymentAddress }),
      },
      PaymentConnection,
    ),
  }),
});

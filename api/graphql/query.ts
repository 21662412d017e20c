/** The root of every question. */

import { readNetwork } from "../queries/operators/network.ts";
import { findChannel } from "../queries/payments/channels.ts";
import { networkSeriesSources } from "../queries/series/series.ts";
import { findSettlement } from "../queries/settlements/settlements.ts";
import { parseEventId } from "../queries/state/eventId.ts";
import { operatorScope, resolveRegistries, resolveRegistry } from "../queries/state/service.ts";
import { builder } from "./builder.ts";
import { asksFor } from "./execution/lookahead.ts";
import { hash32, refuseArgument } from "./filters.ts";
import { ChannelFilter, channels } from "./lists/channels.ts";
import { InferenceFilter, inferenceById, inferences } from "./lists/inferences.ts";
import { ModelSort, models } from "./lists/models.ts";
import { networkSeries } from "./lists/networkSeries.ts";
import { NodeFilter, NodeSort, nodes } from "./lists/nodes.ts";
import { OnchainInferenceFilter, onchainInferences } from "./lists/onchainInferences.ts";
import { operators } from "./lists/operators.ts";
import { PaymentFilter, payments } from "./lists/payments.ts";
import { PcrFilter, pcrs, teeTypes } from "./lists/registryRecords.ts";
import { NetworkSeriesMetric, readsSeries, SeriesIntervalEnum } from "./lists/series.ts";
import { SettlementFilter, settlements } from "./lists/settlements.ts";
import { nodeById, sourcesOfId } from "./nodeById.ts";
import { FROM, readsPage, readsRows } from "./reads.ts";
import * as refs from "./refs.ts";
import { MAX_SELECTED, readsSelection, selectNodes } from "./selectNodes.ts";
import { AsOfRef } from "./types/asOf.ts";
import { NetworkRef } from "./types/network.ts";
import { SCORING_AS_PUBLISHED, ScoringRef } from "./types/score.ts";
import { NodeSelectionRef, PcrChoice, SelectionStrategy } from "./types/selection.ts";
import { SeriesPoint } from "./types/series.ts";
import { readStatus, StatusRef } from "./types/status.ts";

const AT = "As it was after the last block whose timestamp is not later, unix seconds. Default: now.";
const REGISTRY = "Over the nodes of this registry, or `all`. Default: the first configured registry.";

builder.queryType({
  description:
    "Nodes, settlements, payments and what follows from them. A request is answered from one state of the index, which `asOf` names. Fields of a chain that cannot be answered from are null, with an error `indexing`.",
  fields: (t) => ({
    node: t.field({
      type: builder.nodeInterfaceRef(),
      nullable: true,
      description: "Whatever has this id; null when there is no such thing any more.",
      args: { id: t.arg.id({ required: true, description: "An `id` of this API." }) },
      extensions: { reads: ({ id }) => ({ sources: sourcesOfId(id), rows: 10 }) },
      resolve: (_, { id }, { state }) => nodeById(state, String(id)),
    }),
    nodes: t.connection(
      {
        type: refs.TeeNodeRef,
        nullable: true,
        description: "Nodes now or at a past moment.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which nodes." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
          at: t.arg({ type: "Timestamp", description: AT }),
        },
        extensions: readsPage(FROM.proofs, 3),
        resolve: (_, args, { state }) => nodes(state.view(args.at), "Query.nodes", args),
      },
      refs.TeeNodeConnection,
    ),
    selectNodes: t.field({
      type: NodeSelectionRef,
      nullable: true,
      description:
        "Which nodes to use next: what `/v1/select` answers. Refused (`stale`) when the newest block is older than `maxLag`, or than the server's bound. The whole request is answered from the state that is selected from.",
      args: {
        teeType: t.arg.int({ required: true, defaultValue: 0, description: "Id of the TEE type, 0 to 255." }),
        count: t.arg.int({
          required: true,
          defaultValue: 1,
          description: `Nodes to return, the first and its fallbacks, 1 to ${MAX_SELECTED}.`,
        }),
        strategy: t.arg({
          type: SelectionStrategy,
          required: true,
          defaultValue: "weighted",
          description: "How to choose.",
        }),
        seed: t.arg.string({
          description:
            "Makes the answer repeatable, 1 to 1,024 characters. Default: one that nobody can foresee.",
        }),
        only: t.arg({ type: ["Hex"], description: "Ids of the nodes to choose among, at most 100." }),
        exclude: t.arg({ type: ["Hex"], description: "Ids of nodes to leave out, at most 100." }),
        owner: t.arg({ type: ["Address"], description: "Operators to choose among, at most 100." }),
        excludeOwner: t.arg({ type: ["Address"], description: "Operators to leave out, at most 100." }),
        pcrHash: t.arg({ type: "Hex", description: "Only nodes that run this PCR, 32 bytes." }),
        pcr: t.arg({ type: PcrChoice, description: "Only nodes that run this PCR." }),
        ohttp: t.arg.boolean({ description: "Only nodes with a key for Oblivious HTTP." }),
        minScore: t.arg.float({ description: "Lowest score, 0 to 100." }),
        minUptime: t.arg.float({
          description:
            "Lowest share of the observed time, weighed by age, during which the node was proved alive, 0 to 1.",
        }),
        registry: t.arg({
          type: "Registry",
          description: "Nodes of this registry, or `all`. Default: the first configured registry.",
        }),
      },
      extensions: { reads: readsSelection },
      resolve: (_, args, { state }) => selectNodes(state, args),
    }),
    scoring: t.field({
      type: ScoringRef,
      description: "How scores are made: version and constants.",
      resolve: () => SCORING_AS_PUBLISHED,
    }),
    teeNode: t.field({
      type: refs.TeeNodeRef,
      nullable: true,
      description: "One node; null when the registry had none with this id at the moment.",
      args: {
        teeId: t.arg({ type: "Hex", required: true, description: "keccak256 of its public key, 32 bytes." }),
        registry: t.arg({
          type: "Address",
          description: "The registry. Default: the first configured one.",
        }),
        at: t.arg({ type: "Timestamp", description: AT }),
      },
      extensions: readsRows(FROM.og, 3),
      resolve: async (_, { teeId, registry, at }, { state }) => {
        const view = state.view(at);
        const meant = resolveRegistry(state.settings, registry) ?? state.currentRegistry;
        const key = { registry: meant, teeId: hash32("teeId", teeId) };
        const node = await view.loaders.wholeNode.load(key);
        return node === null ? null : view.show(node);
      },
    }),
    settlements: t.connection(
      {
        type: refs.SettlementRef,
        nullable: true,
        description: "Settlements of every generation, newest first.",
        args: { filter: t.arg({ type: SettlementFilter, description: "Which settlements." }) },
        extensions: readsPage(FROM.proofs),
        resolve: (_, args, { state }) => settlements(state.view(null), "Query.settlements", args),
      },
      refs.SettlementConnection,
    ),
    settlement: t.field({
      type: refs.SettlementRef,
      nullable: true,
      description: "One settlement; null when there is none.",
      args: {
        eventId: t.arg.string({ required: true, description: "`chainId-txHash-logIndex`." }),
      },
      extensions: readsRows(FROM.proofs),
      resolve: async (_, { eventId }, { state }) => {
        const id = parseEventId(eventId);
        if (id === null) throw refuseArgument("eventId", eventId, "chainId-txHash-logIndex");
        const view = state.view(null);
        const moment = await view.og();
        if (id.chainId !== moment.chainId) return null;
        const settlement = await findSettlement(state.transaction, state.proofs, moment, id);
        return settlement === null ? null : view.show(settlement);
      },
    }),
    inferences: t.connection(
      {
        type: refs.InferenceRef,
        nullable: true,
        description: "Inferences that settlements on chain hold, each once, newest signed first.",
        args: { filter: t.arg({ type: InferenceFilter, description: "Which inferences." }) },
        extensions: readsPage(FROM.proofs, 3),
        resolve: (_, args, { state }) => inferences(state.view(null), "Query.inferences", args),
      },
      refs.InferenceConnection,
    ),
    inference: t.field({
      type: refs.InferenceRef,
      nullable: true,
      description: "One inference; null when no settlement on chain holds it.",
      args: {
        inferenceId: t.arg({
          type: "Hex",
          required: true,
          description: "keccak256(abi.encode(teeId, inputHash, outputHash, timestamp)), 32 bytes.",
        }),
      },
      extensions: readsRows(FROM.proofs, 5),
      resolve: (_, { inferenceId }, { state }) =>
        inferenceById(state.view(null), hash32("inferenceId", inferenceId)),
    }),
    models: t.connection(
      {
        type: refs.ModelRef,
        nullable: true,
        description:
          "Models that inferences were run with, as payloads of individual settlements tell. Pages take the counts as they are when asked for.",
        args: {
          from: t.arg({
            type: "Timestamp",
            description: "Signed at or after this, unix seconds; not after `to`.",
          }),
          to: t.arg({ type: "Timestamp", description: "Signed before this, unix seconds." }),
          sort: t.arg({ type: ModelSort, description: "Their order. Default: seen last first." }),
        },
        extensions: readsPage(FROM.proofs, 20),
        resolve: (_, args, { state }) => models(state.view(null), args),
      },
      refs.ModelConnection,
    ),
    onchainInferences: t.connection(
      {
        type: refs.OnchainInferenceRef,
        nullable: true,
        description: "On-chain (PIPE) inferences and scheduled workflows, newest first.",
        args: { filter: t.arg({ type: OnchainInferenceFilter, description: "Which of them." }) },
        extensions: readsPage(FROM.og),
        resolve: (_, args, { state }, info) =>
          onchainInferences(
            state.view(null),
            args,
            asksFor("content", info) ? "with-content" : "without-content",
          ),
      },
      refs.OnchainInferenceConnection,
    ),
    payments: t.connection(
      {
        type: refs.PaymentRef,
        nullable: true,
        description: "x402 payments, newest first.",
        args: { filter: t.arg({ type: PaymentFilter, description: "Which payments." }) },
        extensions: readsPage(FROM.baseAndMaybeOg),
        resolve: (_, args, { state }) => payments(state.view(null), "Query.payments", args),
      },
      refs.PaymentConnection,
    ),
    channels: t.connection(
      {
        type: refs.ChannelRef,
        nullable: true,
        description: "Pre-funded accounts, the newest created first.",
        args: { filter: t.arg({ type: ChannelFilter, description: "Which channels." }) },
        extensions: readsPage(FROM.base),
        resolve: (_, args, { state }) => channels(state.view(null), "Query.channels", args),
      },
      refs.ChannelConnection,
    ),
    channel: t.field({
      type: refs.ChannelRef,
      nullable: true,
      description: "One pre-funded account; null when there is none.",
      args: {
        channelId: t.arg({ type: "Hex", required: true, description: "The contract's id for it, 32 bytes." }),
      },
      extensions: readsRows(FROM.base),
      resolve: async (_, { channelId }, { state }) => {
        const view = state.view(null);
        const id = hash32("channelId", channelId);
        const channel = await findChannel(state.transaction, await view.base(), id);
        return channel === null ? null : view.show(channel);
      },
    }),
    operators: t.connection(
      {
        type: refs.OperatorRef,
        nullable: true,
        description: "Owners of nodes with their revenue, the newest first.",
        args: {
          registry: t.arg({ type: "Registry", description: REGISTRY }),
          at: t.arg({ type: "Timestamp", description: AT }),
        },
        extensions: readsPage(FROM.ogAndMaybeBase, 10),
        resolve: (_, args, { state }) => operators(state.view(args.at), args),
      },
      refs.OperatorConnection,
    ),
    operator: t.field({
      type: refs.OperatorRef,
      nullable: true,
      description: "One operator; null when no node has this owner.",
      args: {
        address: t.arg({ type: "Address", required: true, description: "The owner's address." }),
        registry: t.arg({ type: "Registry", description: REGISTRY }),
        at: t.arg({ type: "Timestamp", description: AT }),
      },
      extensions: readsRows(FROM.ogAndMaybeBase, 10),
      resolve: async (_, { address, registry, at }, { state }) => {
        const view = state.view(at);
        const registries = resolveRegistries(state.settings, registry ?? undefined);
        const operator = await view.loaders.operator.load({ address, registries });
        return operator === null ? null : view.show({ ...operator, registries });
      },
    }),
    payer: t.field({
      type: refs.PayerRef,
      description: "An address as a payer.",
      args: {
        address: t.arg({ type: "Address", required: true, description: "The payer's address." }),
        at: t.arg({ type: "Timestamp", description: AT }),
      },
      resolve: (_, { address, at }, { state }) => state.view(at).show({ address }),
    }),
    relayer: t.field({
      type: refs.RelayerRef,
      description: "An address as a relayer.",
      args: {
        address: t.arg({ type: "Address", required: true, description: "The relayer's address." }),
        at: t.arg({ type: "Timestamp", description: AT }),
      },
      resolve: (_, { address, at }, { state }) => state.view(at).show({ address }),
    }),
    pcrs: t.connection(
      {
        type: refs.PcrRef,
        nullable: true,
        description: "PCR records, the newest first.",
        args: {
          filter: t.arg({ type: PcrFilter, description: "Which records." }),
          at: t.arg({ type: "Timestamp", description: AT }),
        },
        extensions: readsPage(FROM.og),
        resolve: (_, args, { state }) => pcrs(state.view(args.at), args),
      },
      refs.PcrConnection,
    ),
    teeTypes: t.connection(
      {
        type: refs.TeeTypeRef,
        nullable: true,
        description: "TEE types, the newest first.",
        args: {
          registry: t.arg({
            type: "Registry",
            description: "Types of this registry, or `all`. Default: the first configured registry.",
          }),
          at: t.arg({ type: "Timestamp", description: AT }),
        },
        extensions: readsPage(FROM.og),
        resolve: (_, args, { state }) => teeTypes(state.view(args.at), args),
      },
      refs.TeeTypeConnection,
    ),
    network: t.field({
      type: NetworkRef,
      nullable: true,
      description: "Totals now.",
      args: {
        registry: t.arg({
          type: "Registry",
          description:
            "Nodes, operators and heartbeats of this registry, or `all`; the rest is the whole network's. Default: the first configured registry.",
        }),
      },
      extensions: readsRows({ ...FROM.ogAndMaybeBase, proofs: "read" }, 500),
      resolve: async (_, { registry }, { state }) => {
        const view = state.view(null);
        const registries = resolveRegistries(state.settings, registry ?? undefined);
        const scope = operatorScope(state.settings, registries);
        const [og, base] = [await view.og(), await view.optionalBase()];
        const totals = await readNetwork(state.transaction, state.proofs, og, base, scope);
        return view.show({ ...totals, registries });
      },
    }),
    networkSeries: t.field({
      type: [SeriesPoint],
      nullable: true,
      description:
        "One metric of the network by the hour or day, oldest first; at most 1,000 buckets, by default the last 24 hours or 30 days.",
      args: {
        metric: t.arg({ type: NetworkSeriesMetric, required: true, description: "What to tell." }),
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
          description: "No bucket begins at or after it, unix seconds. Default: now.",
        }),
        registry: t.arg({
          type: "Registry",
          description:
            "Heartbeats, active nodes and registrations of this registry, or `all`; the rest is the whole network's. Default: the first configured registry.",
        }),
      },
      extensions: readsSeries(networkSeriesSources),
      resolve: (_, { registry, ...args }, { state }) => networkSeries(state.view(null), registry, args),
    }),
    asOf: t.field({
      type: AsOfRef,
      description: "The state that this answer belongs to.",
      resolve: (_, __, { state }) => state.framing.asOf,
    }),
    status: t.field({
      type: StatusRef,
      description: "How far everything is, also while nothing can be answered from.",
      extensions: { reads: { sources: FROM.nothing, rows: 2, momentary: true } },
      resolve: (_, __, { state }) => readStatus(state),
    }),
  }),
});

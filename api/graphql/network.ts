/** Network: totals of everything, now. */

import { MAX_GROUPED_NODES } from "../queries/metrics/groupMetrics.ts";
import { type NetworkTotals, readNetwork } from "../queries/operators/network.ts";
import { FROM } from "../queries/state/list.ts";
import { operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { builder } from "./builder/builder.ts";
import { readsRows } from "./execution/plan/reads.ts";
import type { Scoped } from "./execution/state.ts";
import { GroupMetricsRef, groupMetrics } from "./groupMetrics.ts";
import { WINDOW } from "./nodeMetrics.ts";
import { NodeCountsRef, PrecisionEnum } from "./nodeStatus.ts";
import type { RegistryScope } from "./operators.ts";
import { TokenRef, tokenInfo } from "./tokens.ts";

const SettlementCounts = builder.objectRef<NetworkTotals["settlements"]>("SettlementCounts").implement({
  description: "Settlements by kind; counts.",
  fields: (t) => ({
    individual: t.expose("individual", { type: "Long", description: "Of one inference each; a count." }),
    batch: t.expose("batch", { type: "Long", description: "Merkle roots of many; a count." }),
    legacy: t.expose("legacy", { type: "Long", description: "Events of earlier contracts; a count." }),
    claimedLeaves: t.expose("claimedLeaves", {
      type: "Long",
      description: "Leaves in batches, by the relayers' word; a count.",
    }),
  }),
});

const HeartbeatMaxAge = builder
  .objectRef<NonNullable<NetworkTotals["heartbeatMaxAge"]>>("HeartbeatMaxAge")
  .implement({
    description: "The contract's bound on the age of an active node's newest heartbeat.",
    fields: (t) => ({
      registry: t.expose("registry", { type: "Address", description: "The registry." }),
      value: t.expose("value", { type: "Long", description: "The value in force, seconds." }),
      precision: t.expose("precision", { type: PrecisionEnum, description: "Whether it was read." }),
      exactSince: t.expose("exactSince", {
        type: "Timestamp",
        nullable: true,
        description:
          "Block time since which every value is known, and with it what was active, unix seconds; null while the one in force is not.",
      }),
    }),
  });

const TokenVolume = builder.objectRef<NonNullable<NetworkTotals["volume"]>[number]>("TokenVolume").implement({
  description: "What was paid in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    organic: t.expose("organic", {
      type: "BigInt",
      nullable: true,
      description:
        "Organic payments, a payer counting for at most one whole token per operator and day, in base units of the token; null for tokens without such a bound, and when there is too much to count.",
    }),
  }),
});

const NetworkRef = builder.objectRef<Scoped<NetworkTotals & RegistryScope>>("Network").implement({
  description: "Totals of the network now. Null is unknown, never zero.",
  fields: (t) => ({
    nodeCounts: t.expose("nodes", { type: NodeCountsRef, description: "Nodes by status." }),
    operators: t.expose("operators", { type: "Long", description: "Owners of nodes; a count." }),
    heartbeats: t.expose("heartbeats", { type: "Long", description: "Heartbeats received; a count." }),
    heartbeatMaxAge: t.expose("heartbeatMaxAge", {
      type: HeartbeatMaxAge,
      nullable: true,
      description:
        "The value in force, and how far back its history is known; null for `all` registries, and before the registry's first event.",
    }),
    settlements: t.expose("settlements", { type: SettlementCounts, description: "Settlements by kind." }),
    onchainInferences: t.expose("onchainInferences", {
      type: "Long",
      description: "On-chain inferences and workflow results; a count.",
    }),
    inferences: t.expose("inferences", {
      type: "Long",
      nullable: true,
      description: "Distinct inferences with a valid signature; a count.",
    }),
    promptTokens: t.expose("promptTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of the requests of `inferences`, as their payloads claim; a count.",
    }),
    completionTokens: t.expose("completionTokens", {
      type: "Long",
      nullable: true,
      description: "Tokens of their answers, as payloads claim; a count.",
    }),
    modelCount: t.expose("models", {
      type: "Long",
      nullable: true,
      description: "Distinct models that payloads name; a count.",
    }),
    metrics: t.field({
      type: GroupMetricsRef,
      nullable: true,
      description: `What the nodes' metrics come to over a window that ends now; null for more than ${MAX_GROUPED_NODES} nodes.`,
      args: {
        window: t.arg(WINDOW),
      },
      extensions: readsRows(FROM.proofs, 500),
      resolve: ({ view, registries }, { window }) => groupMetrics(view, { registries, owner: null }, window),
    }),
    payments: t.expose("payments", {
      type: "Long",
      nullable: true,
      description: "Payments, a count; null while Base is not ready.",
    }),
    payers: t.expose("payers", {
      type: "Long",
      nullable: true,
      description: "Distinct payers, a count; null while Base is not ready.",
    }),
    volume: t.expose("volume", {
      type: [TokenVolume],
      nullable: true,
      description: "What was paid, per token; null while Base is not ready.",
    }),
    tokens: t.expose("tokens", {
      type: [TokenRef],
      nullable: true,
      description: "What was paid in: the tokens of `volume`; null while Base is not ready.",
    }),
  }),
});

builder.queryFields((t) => ({
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
      return view.scope({ ...totals, registries });
    },
  }),
}));

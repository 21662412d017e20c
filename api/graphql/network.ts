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
    individual: t.expose("individual", { type: "Long" }),
    batch: t.expose("batch", { type: "Long" }),
    legacy: t.expose("legacy", { type: "Long" }),
    claimedLeaves: t.expose("claimedLeaves", { type: "Long" }),
  }),
});

const HeartbeatMaxAge = builder
  .objectRef<NonNullable<NetworkTotals["heartbeatMaxAge"]>>("HeartbeatMaxAge")
  .implement({
    description: "The contract's bound on the age of an active node's newest heartbeat.",
    fields: (t) => ({
      registry: t.expose("registry", { type: "Address" }),
      value: t.expose("value", { type: "Long" }),
      precision: t.expose("precision", { type: PrecisionEnum }),
      exactSince: t.expose("exactSince", { type: "Timestamp", nullable: true }),
    }),
  });

const TokenVolume = builder.objectRef<NonNullable<NetworkTotals["volume"]>[number]>("TokenVolume").implement({
  description: "What was paid in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address" }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt" }),
    organic: t.expose("organic", { type: "BigInt", nullable: true }),
  }),
});

const NetworkRef = builder.objectRef<Scoped<NetworkTotals & RegistryScope>>("Network").implement({
  description: "Totals of the network now. Null is unknown, never zero.",
  fields: (t) => ({
    nodeCounts: t.expose("nodes", { type: NodeCountsRef, description: "Nodes by status." }),
    operators: t.expose("operators", { type: "Long" }),
    heartbeats: t.expose("heartbeats", { type: "Long" }),
    heartbeatMaxAge: t.expose("heartbeatMaxAge", { type: HeartbeatMaxAge, nullable: true }),
    settlements: t.expose("settlements", { type: SettlementCounts, description: "Settlements by kind." }),
    onchainInferences: t.expose("onchainInferences", { type: "Long" }),
    inferences: t.expose("inferences", { type: "Long", nullable: true }),
    promptTokens: t.expose("promptTokens", { type: "Long", nullable: true }),
    completionTokens: t.expose("completionTokens", { type: "Long", nullable: true }),
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
    payments: t.expose("payments", { type: "Long", nullable: true }),
    payers: t.expose("payers", { type: "Long", nullable: true }),
    volume: t.expose("volume", { type: [TokenVolume], nullable: true }),
    tokens: t.expose("tokens", { type: [TokenRef], nullable: true }),
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

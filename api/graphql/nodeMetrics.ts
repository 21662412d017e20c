/** NodeMetrics: what is known of a node over a window that ends at the moment asked about. */
import DataLoader from "dataloader";
import { type NodeMetrics, type NodeWindow, readNodeMetrics } from "../queries/metrics/nodeMetrics.ts";
import type { NodeKey } from "../queries/nodes/nodes.ts";
import { FROM } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { oncePer } from "./execution/oncePer.ts";
import { readsRows } from "./execution/plan/reads.ts";
import type { View } from "./execution/state.ts";
import { nodeName, TeeNodeRef } from "./nodes.ts";
import { TokenRevenue } from "./tokens.ts";

const MetricsWindow = builder.enumType("MetricsWindow", {
  description: "How far back from the moment asked about.",
  values: {
    LAST_1H: { value: "1h", description: "3,600 seconds." },
    LAST_24H: { value: "24h", description: "86,400 seconds." },
    LAST_7D: { value: "7d", description: "604,800 seconds." },
    LAST_30D: { value: "30d", description: "2,592,000 seconds." },
    ALL: { value: "all", description: "Since the node's registration." },
  } as const satisfies Record<string, { value: NodeWindow; description: string }>,
});

/** The argument of whatever is measured over a window. */
export const WINDOW = {
  type: MetricsWindow,
  defaultValue: "24h",
  required: true,
  description: "How far back.",
} as const;

const NodeMetricsRef = builder.objectRef<NodeMetrics>("NodeMetrics").implement({
  description: "What is known of a node over a window. Null is unknown or not measured, never zero.",
  fields: (t) => ({
    uptime: t.exposeFloat("uptime", { nullable: true }),
    heartbeats: t.expose("heartbeats", { type: "Long", nullable: true }),
    repeatedHeartbeats: t.expose("repeatedHeartbeats", { type: "Long", nullable: true }),
    missedHeartbeats: t.expose("missedHeartbeats", { type: "Long", nullable: true }),
    heartbeatLatenessMeanSeconds: t.exposeFloat("heartbeatLatenessMeanSeconds", { nullable: true }),
    inferences: t.expose("inferences", { type: "Long", nullable: true }),
    promptTokens: t.expose("promptTokens", { type: "Long", nullable: true }),
    completionTokens: t.expose("completionTokens", { type: "Long", nullable: true }),
    settlements: t.expose("settlements", { type: "Long", nullable: true }),
    payers: t.expose("payers", { type: "Long", nullable: true }),
    revenue: t.expose("revenue", { type: [TokenRevenue], nullable: true }),
    settlementLatencyP50Seconds: t.exposeFloat("settlementLatencyP50Seconds", { nullable: true }),
    settlementLatencyP95Seconds: t.exposeFloat("settlementLatencyP95Seconds", { nullable: true }),
    proofAvailability: t.exposeFloat("proofAvailability", { nullable: true }),
    probes: t.expose("probes", { type: "Long", nullable: true }),
    probeSuccess: t.exposeFloat("probeSuccess", { nullable: true }),
    probeP50Ms: t.exposeFloat("probeP50Ms", { nullable: true }),
  }),
});

interface MetricsKey extends NodeKey {
  readonly window: NodeWindow;
}

/** Loads metrics of nodes in batches, over all windows of an answer. */
const metrics = oncePer(
  (view: View) =>
    new DataLoader((keys: readonly MetricsKey[]) => readMetrics(view, keys), {
      cacheKeyFn: ({ window, ...key }) => `${nodeName(key)} ${window}`,
    }),
);

async function readMetrics(
  view: View,
  keys: readonly MetricsKey[],
): Promise<readonly (NodeMetrics | null)[]> {
  const { transaction, currentRegistry, proofs, settings } = view.state;
  const { dailyOrganicCaps } = settings;
  const nodes = [...new Map(keys.map((key) => [nodeName(key), key])).values()];
  const windows = [...new Set(keys.map(({ window }) => window))].sort();
  const base = await view.optionalBase();
  const sources = { proofs, base, dailyOrganicCaps, settlementRegistry: currentRegistry };
  const found = await readNodeMetrics(transaction, await view.og(), sources, nodes, windows);
  const byName = new Map(nodes.map((key, index) => [nodeName(key), found[index]]));
  return keys.map((key) => byName.get(nodeName(key))?.[key.window] ?? null);
}

builder.objectFields(TeeNodeRef, (t) => ({
  metrics: t.field({
    type: NodeMetricsRef,
    nullable: true,
    description: "What is known of it over a window that ends at the moment asked about.",
    args: {
      window: t.arg(WINDOW),
    },
    extensions: readsRows({ ...FROM.ogAndMaybeBase, proofs: "read" }, 10),
    resolve: ({ registry, teeId, view }, { window }) => metrics(view).load({ registry, teeId, window }),
  }),
}));

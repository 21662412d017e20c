/** GroupMetrics: the metrics of several nodes together, over a window that ends at the moment asked about. */
import { type GroupMetrics, type GroupScope, readGroupMetrics } from "../queries/metrics/groupMetrics.ts";
import type { NodeWindow } from "../queries/metrics/nodeMetrics.ts";
import { builder } from "./builder/builder.ts";
import type { View } from "./execution/state.ts";

export const GroupMetricsRef = builder.objectRef<GroupMetrics>("GroupMetrics").implement({
  description: "What the metrics of several nodes come to over a window. Null is unknown, never zero.",
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
    settlementLatencyP50Seconds: t.exposeFloat("settlementLatencyP50Seconds", { nullable: true }),
    settlementLatencyP95Seconds: t.exposeFloat("settlementLatencyP95Seconds", { nullable: true }),
    proofAvailability: t.exposeFloat("proofAvailability", { nullable: true }),
  }),
});

/** Null for more than `MAX_GROUPED_NODES` nodes. */
export async function groupMetrics(
  view: View,
  scope: GroupScope,
  window: NodeWindow,
): Promise<GroupMetrics | null> {
  const { transaction, proofs, currentRegistry } = view.state;
  const sources = { proofs, settlementRegistry: currentRegistry };
  const found = await readGroupMetrics(transaction, await view.og(), sources, scope, [window]);
  return found?.[window] ?? null;
}

/** GroupMetrics: the metrics of several nodes together, over a window that ends at the moment asked about. */
import { type GroupMetrics, type GroupScope, readGroupMetrics } from "../queries/metrics/groupMetrics.ts";
import type { NodeWindow } from "../queries/metrics/nodeMetrics.ts";
import { builder } from "./builder/builder.ts";
import type { View } from "./execution/state.ts";

export const GroupMetricsRef = builder.objectRef<GroupMetrics>("GroupMetrics").implement({
  description: "What the metrics of several nodes come to over a window. Null is unknown, never zero.",
  fields: (t) => ({
    uptime: t.exposeFloat("uptime", {
      nullable: true,
      description: "Mean uptime of the nodes that existed in the window, 0 to 1.",
    }),
    heartbeats: t.expose("heartbeats", {
      type: "Long",
      nullable: true,
      description: "Heartbeats received, repeated ones included; a count.",
    }),
    repeatedHeartbeats: t.expose("repeatedHeartbeats", {
      type: "Long",
      nullable: true,
      description: "Heartbeats whose signed second had been sent before; a count.",
    }),
    missedHeartbeats: t.expose("missedHeartbeats", {
      type: "Long",
      nullable: true,
      description: "Heartbeats that were due and did not come; a count.",
    }),
    heartbeatLatenessMeanSeconds: t.exposeFloat("heartbeatLatenessMeanSeconds", {
      nullable: true,
      description: "Mean time from a heartbeat's signed second to its block, seconds.",
    }),
    inferences: t.expose("inferences", {
      type: "Long",
      nullable: true,
      description: "Distinct inferences with a valid signature of one of the nodes; a count.",
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
    settlements: t.expose("settlements", {
      type: "Long",
      nullable: true,
      description: "Individual settlements that name one of the nodes; a count.",
    }),
    settlementLatencyP50Seconds: t.exposeFloat("settlementLatencyP50Seconds", {
      nullable: true,
      description: "Median time from signature to settlement over all of them, seconds.",
    }),
    settlementLatencyP95Seconds: t.exposeFloat("settlementLatencyP95Seconds", {
      nullable: true,
      description: "95th percentile of the time from signature to settlement over all of them, seconds.",
    }),
    proofAvailability: t.exposeFloat("proofAvailability", {
      nullable: true,
      description:
        "Share of the newest individual settlements of each, of those whose payload was looked for, whose payload could be had, 0 to 1.",
    }),
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

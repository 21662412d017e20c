/** Lists below one node: spells of liveness, heartbeats, registry events. */

import {
  type Heartbeat,
  type LivenessInterval,
  listHeartbeats,
  listIntervals,
  listNodeEvents,
  type NodeEvent,
} from "../../queries/nodes/nodeHistory.ts";
import type { Node } from "../../queries/nodes/nodes.ts";
import { countItems } from "../../queries/reading/listLength.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";
import { timeRange } from "./timeRange.ts";

export const LivenessNotion = builder.enumType("LivenessNotion", {
  description: "What alive means.",
  values: {
    ACTIVE: { value: "active", description: "By the contract's own rule: what `getActiveTEEs` would say." },
    PROVED: {
      value: "proved",
      description: "By distinct signed seconds: a repeated heartbeat proves nothing.",
    },
  } as const,
});

export const NodeEventKind = builder.enumType("NodeEventKind", {
  description: "What happened to a node.",
  values: {
    REGISTERED: { value: "registered", description: "It was registered, and so enabled." },
    ENABLED: { value: "enabled", description: "It was switched on." },
    DISABLED: { value: "disabled", description: "It was switched off." },
    REMOVED: { value: "removed", description: "It was deleted (legacy registries only)." },
  } as const,
});

export const IntervalFilter = builder.inputType("LivenessIntervalFilter", {
  description: "Which spells; all conditions must hold.",
  fields: (t) => ({
    notion: t.field({ type: LivenessNotion, description: "By one notion only." }),
    from: t.field({ type: "Timestamp", description: "Going on at or after this, unix seconds." }),
    to: t.field({ type: "Timestamp", description: "Begun before this, unix seconds." }),
  }),
});

export const HeartbeatFilter = builder.inputType("HeartbeatFilter", {
  description: "Which heartbeats; all conditions must hold.",
  fields: (t) => ({
    relayer: t.field({ type: "Address", description: "Sender of the transaction." }),
    ...timeRange(t, "Received"),
  }),
});

export const NodeEventFilter = builder.inputType("NodeEventFilter", {
  description: "Which events; all conditions must hold.",
  fields: (t) => ({
    kind: t.field({ type: NodeEventKind, description: "What happened." }),
    ...timeRange(t, "Happened"),
  }),
});

type With<F> = PagingArguments & { readonly filter?: F | null | undefined };

const identityOf = ({ registry, teeId, view }: Seen<Node>) => ({ at: view.at, registry, teeId });

export function intervals(
  node: Seen<Node>,
  args: With<typeof IntervalFilter.$inferInput>,
): Connection<LivenessInterval> {
  const filters = filtersOf(args.filter, {});
  return connect(node.view.state, args, {
    list: "TeeNode.intervals",
    parameters: { ...identityOf(node), ...filters },
    keyTypes: ["position", "text"],
    sources: FROM.og,
    count: countItems,
    read: async (transaction, page) =>
      listIntervals(transaction, await node.view.og(), node, node.registeredAt, filters, page),
    show: (interval) => interval,
  });
}

export function heartbeats(
  node: Seen<Node>,
  args: With<typeof HeartbeatFilter.$inferInput>,
): Connection<Seen<Heartbeat>> {
  const filters = filtersOf(args.filter, {});
  return connect(node.view.state, args, {
    list: "TeeNode.heartbeats",
    parameters: { ...identityOf(node), ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.og,
    read: async (transaction, page) => listHeartbeats(transaction, await node.view.og(), node, filters, page),
    show: (heartbeat) => node.view.show(heartbeat),
  });
}

export function nodeEvents(
  node: Seen<Node>,
  args: With<typeof NodeEventFilter.$inferInput>,
): Connection<Seen<NodeEvent>> {
  const filters = filtersOf(args.filter, {});
  return connect(node.view.state, args, {
    list: "TeeNode.events",
    parameters: { ...identityOf(node), ...filters },
    keyTypes: ["position", "log"],
    sources: FROM.og,
    read: async (transaction, page) => listNodeEvents(transaction, await node.view.og(), node, filters, page),
    show: (event) => node.view.show(event),
  });
}

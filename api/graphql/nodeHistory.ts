/** The history of a node: liveness intervals, heartbeats, registry events. */

import {
  HEARTBEATS,
  type Heartbeat,
  INTERVALS,
  type LivenessInterval,
  NODE_EVENTS,
  type NodeEvent,
} from "../queries/nodes/nodeHistory.ts";
import type { Node } from "../queries/nodes/nodes.ts";
import { countItems } from "../queries/reading/listLength.ts";
import type { Filters } from "../queries/state/filters.ts";
import type { ListDefinition } from "../queries/state/list.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect, type ListArguments, type ListCount } from "./builder/connection.ts";
import { filterFields, filtersOf, timeRange } from "./builder/filters.ts";
import { ChainEvent } from "./chainEvents.ts";
import { readsPage } from "./execution/plan/reads.ts";
import type { Scoped } from "./execution/state.ts";
import { PrecisionEnum } from "./nodeStatus.ts";
import { TeeNodeRef } from "./nodes.ts";
import { RelayerRef } from "./relayers.ts";

const LivenessIntervalRef = builder.objectRef<Scoped<LivenessInterval>>("LivenessInterval");
const HeartbeatRef = builder.objectRef<Scoped<Heartbeat>>("Heartbeat");
const NodeEventRef = builder.objectRef<Scoped<NodeEvent>>("NodeEvent");

const LivenessIntervalConnection = builder.connectionObject(
  {
    type: LivenessIntervalRef,
    name: "LivenessIntervalConnection",
    description: "A page of spells of liveness.",
  },
  { description: "A spell in a page." },
);
const HeartbeatConnection = builder.connectionObject(
  { type: HeartbeatRef, name: "HeartbeatConnection", description: "A page of heartbeats." },
  { description: "A heartbeat in a page." },
);
const NodeEventConnection = builder.connectionObject(
  { type: NodeEventRef, name: "NodeEventConnection", description: "A page of registry events of a node." },
  { description: "An event in a page." },
);

const LivenessNotion = builder.enumType("LivenessNotion", {
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

LivenessIntervalRef.implement({
  description: "A spell during which a node was alive, by one of two notions.",
  fields: (t) => ({
    notion: t.expose("notion", { type: LivenessNotion, description: "What alive means here." }),
    fromAt: t.expose("fromAt", { type: "Timestamp" }),
    untilAt: t.expose("untilAt", { type: "Timestamp", nullable: true }),
    endCause: t.exposeString("endCause", {
      nullable: true,
      description: "Of an ended ACTIVE one: stale, disabled, pcr-revoked, removed or max-age.",
    }),
    precision: t.expose("precision", {
      type: PrecisionEnum,
      description: "Whether its ends, and that nothing interrupted it, are known.",
    }),
  }),
});

HeartbeatRef.implement({
  description: "A heartbeat that the registry accepted.",
  interfaces: [ChainEvent],
  fields: (t) => ({
    registry: t.expose("registry", { type: "Address" }),
    teeId: t.expose("teeId", { type: "Hex" }),
    receivedAt: t.expose("receivedAt", { type: "Timestamp" }),
    signedAt: t.expose("signedAt", { type: "Timestamp" }),
    latenessSeconds: t.expose("latenessSeconds", { type: "Long" }),
    repeated: t.exposeBoolean("repeated"),
    relayer: t.expose("relayer", { type: "Address" }),
    relayerAccount: t.field({
      type: RelayerRef,
      description: "The sender, with all it relayed.",
      resolve: ({ relayer, view }) => view.scope({ address: relayer }),
    }),
  }),
});

NodeEventRef.implement({
  description: "What the registry announced of a node, besides heartbeats.",
  interfaces: [ChainEvent],
  fields: (t) => ({
    registry: t.expose("registry", { type: "Address" }),
    teeId: t.expose("teeId", { type: "Hex" }),
    timestamp: t.expose("timestamp", { type: "Timestamp" }),
    kind: t.expose("kind", { type: NodeEventKind }),
    signature: t.exposeString("signature"),
    sender: t.expose("sender", { type: "Address" }),
    cause: t.exposeString("cause", { nullable: true }),
  }),
});

const IntervalFilter = builder.inputType("LivenessIntervalFilter", {
  description: "Which spells; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      INTERVALS.filters,
      { notion: LivenessNotion },
      {
        notion: "By one notion only.",
        from: "Going on at or after this, unix seconds.",
        to: "Begun before this, unix seconds.",
      },
    ),
});

const HeartbeatFilter = builder.inputType("HeartbeatFilter", {
  description: "Which heartbeats; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      HEARTBEATS.filters,
      {},
      {
        relayer: "Sender of the transaction.",
        ...timeRange("Received"),
      },
    ),
});

const NodeEventFilter = builder.inputType("NodeEventFilter", {
  description: "Which events; all conditions must hold.",
  fields: (t) =>
    filterFields(
      t,
      NODE_EVENTS.filters,
      { kind: NodeEventKind },
      {
        kind: "What happened.",
        ...timeRange("Happened"),
      },
    ),
});

/** The connection of a list that belongs to one node. */
function connectToNode<Item extends object, F extends Filters>(
  list: ListDefinition<Item, F, { readonly node: Scoped<Node> }>,
  node: Scoped<Node>,
  field: string,
  args: ListArguments<F>,
  count?: ListCount,
): Connection<Scoped<Item>> {
  const { registry, teeId, view } = node;
  const filters = filtersOf(list.filters, args.filter);
  return connect(view, args, list, {
    field,
    wanted: { ...filters, node },
    question: { ...filters, registry, teeId },
    count,
  });
}

builder.objectFields(TeeNodeRef, (t) => ({
  intervals: t.connection(
    {
      type: LivenessIntervalRef,
      nullable: true,
      description: "When it was alive, the newest beginning first.",
      args: { filter: t.arg({ type: IntervalFilter, description: "Which spells." }) },
      extensions: readsPage(INTERVALS.sources),
      resolve: (node, args) => connectToNode(INTERVALS, node, "TeeNode.intervals", args, countItems),
    },
    LivenessIntervalConnection,
  ),
  heartbeats: t.connection(
    {
      type: HeartbeatRef,
      nullable: true,
      description: "Its heartbeats, newest first.",
      args: { filter: t.arg({ type: HeartbeatFilter, description: "Which heartbeats." }) },
      extensions: readsPage(HEARTBEATS.sources),
      resolve: (node, args) => connectToNode(HEARTBEATS, node, "TeeNode.heartbeats", args),
    },
    HeartbeatConnection,
  ),
  events: t.connection(
    {
      type: NodeEventRef,
      nullable: true,
      description: "What the registry announced of it, newest first; heartbeats are apart.",
      args: { filter: t.arg({ type: NodeEventFilter, description: "Which events." }) },
      extensions: readsPage(NODE_EVENTS.sources),
      resolve: (node, args) => connectToNode(NODE_EVENTS, node, "TeeNode.events", args),
    },
    NodeEventConnection,
  ),
}));

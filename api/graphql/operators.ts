/** Operator: an owner of nodes. */

import DataLoader from "dataloader";
import { MAX_GROUPED_NODES } from "../queries/metrics/groupMetrics.ts";
import { findOperators, OPERATORS, type Operator } from "../queries/operators/operators.ts";
import { FROM } from "../queries/state/list.ts";
import { operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect } from "./builder/connection.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { isAddress, registerLookup } from "./builder/objectById.ts";
import { oncePer } from "./execution/oncePer.ts";
import type { PagingArguments } from "./execution/plan/paging.ts";
import { readsPage, readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { GroupMetricsRef, groupMetrics } from "./groupMetrics.ts";
import { NodeFilter, NodeSort, nodes, nodesPage, TeeNodeConnection } from "./nodeLists.ts";
import { WINDOW } from "./nodeMetrics.ts";
import { NodeCountsRef } from "./nodeStatus.ts";
import { TeeNodeRef } from "./nodes.ts";
import { byScope, cacheKeyFn, type OperatorKey } from "./operatorKeys.ts";

/** Which registries' nodes an operator or the network is summed over; null means every one. */
export interface RegistryScope {
  readonly registries: readonly string[] | null;
}

export const OperatorRef = builder.objectRef<Scoped<Operator & RegistryScope>>("Operator");

const OperatorConnection = builder.connectionObject(
  { type: OperatorRef, name: "OperatorConnection", description: "A page of operators." },
  { description: "An operator in a page." },
);

const operatorLoader = oncePer(
  (view: View) =>
    new DataLoader(
      (keys: readonly OperatorKey[]) =>
        byScope<Operator>(view, keys, async (scope, addresses) => {
          const operators = await findOperators(view.state.transaction, await view.og(), scope, addresses);
          return operators.map((operator) => [operator.address, operator]);
        }),
      { cacheKeyFn },
    ),
);

/** One operator; null when no node of the registries has this owner. */
async function operatorByKey(view: View, key: OperatorKey): Promise<Scoped<Operator & RegistryScope> | null> {
  const operator = await operatorLoader(view).load(key);
  return operator === null ? null : view.scope({ ...operator, registries: key.registries });
}

OperatorRef.implement({
  description: "An operator: the owner of nodes, with what their payment addresses took in.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ address, registries, view }) =>
        encodeGlobalId("Operator", registries?.join("-") ?? "all", address, view.at),
    }),
    address: t.expose("address", { type: "Address" }),
    nodeCounts: t.expose("nodes", { type: NodeCountsRef, description: "Its nodes by status." }),
    nodes: t.connection(
      {
        type: TeeNodeRef,
        nullable: true,
        description: "Its nodes.",
        args: {
          filter: t.arg({ type: NodeFilter, description: "Which of them." }),
          sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        },
        extensions: nodesPage,
        resolve: ({ address, registries, view }, args) =>
          nodes(view, `Operator.nodes ${address}`, args, { owner: address, registries }),
      },
      TeeNodeConnection,
    ),
    metrics: t.field({
      type: GroupMetricsRef,
      nullable: true,
      description: `What its nodes' metrics come to over a window that ends at the moment asked about; null for more than ${MAX_GROUPED_NODES} nodes.`,
      args: {
        window: t.arg(WINDOW),
      },
      extensions: readsRows(FROM.proofs, 100),
      resolve: ({ address, registries, view }, { window }) =>
        groupMetrics(view, { registries, owner: address }, window),
    }),
    firstRegisteredAt: t.expose("firstRegisteredAt", { type: "Timestamp" }),
    paymentAddresses: t.expose("paymentAddresses", { type: ["Address"] }),
    sharedPaymentAddresses: t.expose("sharedPaymentAddresses", { type: ["Address"], nullable: true }),
  }),
});

registerLookup("Operator", {
  sources: FROM.ogAndMaybeBase,
  keyParts: 2,
  async find(view, [scope = "", address]) {
    // The API gives ids of an operator in one registry and in all of them, and no others.
    if (!isAddress(address) || (scope !== "all" && !isAddress(scope))) return undefined;
    return operatorByKey(view, { address, registries: scope === "all" ? null : [scope] });
  },
});

builder.objectFields(TeeNodeRef, (t) => ({
  operator: t.field({
    type: OperatorRef,
    nullable: true,
    description: "The operator, summed over this registry.",
    extensions: readsRows(FROM.ogAndMaybeBase, 10),
    resolve: ({ owner, registry, view }) => operatorByKey(view, { address: owner, registries: [registry] }),
  }),
}));

interface OperatorArguments extends PagingArguments {
  readonly registry?: string | null | undefined;
}

function operators(
  view: View,
  { registry, ...args }: OperatorArguments,
): Connection<Scoped<Operator & RegistryScope>> {
  const registries = resolveRegistries(view.settings, registry ?? undefined);
  const list = {
    ...OPERATORS,
    async read(...parameters: Parameters<typeof OPERATORS.read>) {
      const page = await OPERATORS.read(...parameters);
      return { ...page, items: page.items.map((operator) => ({ ...operator, registries })) };
    },
  };
  return connect(view, args, list, {
    field: "Query.operators",
    wanted: { scope: operatorScope(view.settings, registries) },
    question: { registries },
  });
}

const REGISTRY = {
  type: "Registry",
  description: "Over the nodes of this registry, or `all`. Default: the first configured registry.",
} as const;

builder.queryFields((t) => ({
  operators: t.connection(
    {
      type: OperatorRef,
      nullable: true,
      description: "Owners of nodes with their revenue, the newest first.",
      args: {
        registry: t.arg(REGISTRY),
        at: t.arg(AT),
      },
      extensions: readsPage(OPERATORS.sources, 10),
      resolve: (_, args, { state }) => operators(state.view(args.at), args),
    },
    OperatorConnection,
  ),
  operator: t.field({
    type: OperatorRef,
    nullable: true,
    description: "One operator; null when no node has this owner.",
    args: {
      address: t.arg({ type: "Address", required: true, description: "The owner's address." }),
      registry: t.arg(REGISTRY),
      at: t.arg(AT),
    },
    extensions: readsRows(FROM.ogAndMaybeBase, 10),
    resolve: (_, { address, registry, at }, { state }) => {
      const registries = resolveRegistries(state.settings, registry ?? undefined);
      return operatorByKey(state.view(at), { address, registries });
    },
  }),
}));

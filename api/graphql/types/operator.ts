/** Operator: an owner of nodes. */
import { MAX_GROUPED_NODES } from "../../queries/metrics/groupMetrics.ts";
import type { Revenue } from "../../queries/operators/operatorRevenue.ts";
import { MAX_JOINT_PAYERS } from "../../queries/payments/revenueTotals.ts";
import { builder } from "../builder.ts";
import { encodeGlobalId } from "../globalId.ts";
import { NODES_LOOKED_THROUGH, NodeFilter, NodeSort, nodes } from "../lists/nodes.ts";
import { FROM, readsPage, readsRows } from "../reads.ts";
import { OperatorRef, TeeNodeConnection, TeeNodeRef } from "../refs.ts";
import { GroupMetricsRef, groupMetrics } from "./groupMetrics.ts";
import { NodeCountsRef } from "./nodeCounts.ts";
import { MetricsWindow } from "./nodeMetrics.ts";
import { tokenInfo } from "./token.ts";

const OperatorRevenue = builder.objectRef<Revenue>("OperatorRevenue").implement({
  description: "What an operator's payment addresses took in, in one token.",
  fields: (t) => ({
    token: t.expose("token", { type: "Address", description: "The token's contract." }),
    tokenInfo: t.field(tokenInfo),
    raw: t.expose("raw", { type: "BigInt", description: "All payments, in base units of the token." }),
    organic: t.expose("organic", {
      type: "BigInt",
      nullable: true,
      description:
        "Organic payments, a payer counting for at most one whole token a day, in base units; null for tokens without such a bound, and when there is too much to count.",
    }),
    payments: t.expose("payments", { type: "Long", description: "Payments; a count." }),
    payers: t.expose("payers", {
      type: "Long",
      nullable: true,
      description: `Distinct payers; a count, null when more than ${MAX_JOINT_PAYERS} paid several of its addresses.`,
    }),
    effectivePayers: t.exposeFloat("effectivePayers", {
      nullable: true,
      description: "(Σv)² / Σv² over the payers' organic volumes: how many equal payers that is worth.",
    }),
  }),
});

OperatorRef.implement({
  description: "An operator: the owner of nodes, with what their payment addresses took in.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ address, registries, view }) =>
        encodeGlobalId("Operator", registries?.join("-") ?? "all", address, view.at),
    }),
    address: t.expose("address", { type: "Address", description: "The owner's address." }),
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
        extensions: readsPage(FROM.proofs, 3, NODES_LOOKED_THROUGH),
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
        window: t.arg({
          type: MetricsWindow,
          defaultValue: "24h",
          required: true,
          description: "How far back.",
        }),
      },
      extensions: readsRows(FROM.proofs, 100),
      resolve: ({ address, registries, view }, { window }) =>
        groupMetrics(view, { registries, owner: address }, window),
    }),
    firstRegisteredAt: t.expose("firstRegisteredAt", {
      type: "Timestamp",
      description: "When its first node was registered, unix seconds.",
    }),
    paymentAddresses: t.expose("paymentAddresses", {
      type: ["Address"],
      description: "Where its nodes want to be paid.",
    }),
    sharedPaymentAddresses: t.expose("sharedPaymentAddresses", {
      type: ["Address"],
      nullable: true,
      description:
        "Those of them whose payments are not its own: another operator's node named them first, or several name a common payee.",
    }),
    revenue: t.field({
      type: [OperatorRevenue],
      nullable: true,
      description: "What came in, per token; null while Base cannot be answered from.",
      extensions: readsRows(FROM.ogAndMaybeBase, 10),
      resolve: async (operator) =>
        (await operator.view.loaders.operatorDemand.load(operator))?.revenue ?? null,
    }),
    payers: t.field({
      type: "Long",
      nullable: true,
      description: "Distinct payers over all tokens, a count; null while Base cannot be answered from.",
      extensions: readsRows(FROM.ogAndMaybeBase, 10),
      resolve: async (operator) =>
        (await operator.view.loaders.operatorDemand.load(operator))?.payers ?? null,
    }),
  }),
});

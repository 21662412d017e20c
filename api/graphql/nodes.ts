/** TeeNode: a node as it is, or was at the moment asked about. Other domains add their fields to it. */

import DataLoader from "dataloader";
import { findNodes, type Node, type NodeDetail, type NodeKey } from "../queries/nodes/nodes.ts";
import { FROM } from "../queries/state/list.ts";
import { resolveRegistry } from "../queries/state/service.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { hash32 } from "./builder/filters.ts";
import { encodeGlobalId } from "./builder/globalId.ts";
import { isAddress, isHash, registerLookup } from "./builder/objectById.ts";
import { oncePer } from "./execution/oncePer.ts";
import { readsRows } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { NodeStatus, PrecisionEnum } from "./nodeStatus.ts";

export const TeeNodeRef = builder.objectRef<Scoped<Node>>("TeeNode");

/** A node's name in cache keys and cursors. */
export const nodeName = ({ registry, teeId }: NodeKey): string => `${registry} ${teeId}`;

/** As many keys as a page has items. */
const MAX_KEYS = 100;

/** Loads nodes by key in batches: a node is read once, however many objects of an answer refer to it. */
const nodeLoader = (detail: NodeDetail) =>
  oncePer(
    (view: View) =>
      new DataLoader((keys: readonly NodeKey[]) => readNodes(view, keys, detail), {
        cacheKeyFn: nodeName,
        maxBatchSize: MAX_KEYS,
      }),
  );

async function readNodes(
  view: View,
  keys: readonly NodeKey[],
  detail: NodeDetail,
): Promise<readonly (Node | null)[]> {
  const nodes = await findNodes(view.state.transaction, await view.og(), keys, detail);
  const byName = new Map(nodes.map((node) => [nodeName(node), node]));
  return keys.map((key) => byName.get(nodeName(key)) ?? null);
}

/** Without keys, certificates and metrics. */
const plainNodes = nodeLoader({ keys: "without-keys", extent: "bounded" });
const nodesWithKeys = nodeLoader({ keys: "with-keys", extent: "bounded" });
/** With long fields in full, for a node that is looked up by itself. */
const wholeNodes = nodeLoader({ keys: "with-keys", extent: "whole" });

/** Adds a node that was read elsewhere, with its keys, to the loaders. */
export function primeNode(view: View, node: Node): void {
  plainNodes(view).prime(node, node);
  nodesWithKeys(view).prime(node, node);
}

/** A node of a list with its keys, which are read on demand and for all nodes of the list at once. */
export async function withKeys(node: Scoped<Node>): Promise<Node> {
  const known = node.publicKeyBytes !== null || node.tlsCertificateBytes !== null;
  return known ? node : ((await nodesWithKeys(node.view).load(node)) ?? node);
}

/** One node without its long fields; null when the registry does not list it. */
export async function nodeByKey(view: View, key: NodeKey): Promise<Scoped<Node> | null> {
  const node = await plainNodes(view).load(key);
  return node === null ? null : view.scope(node);
}

TeeNodeRef.implement({
  description: "A node: an enclave with a signing key that a registry lists.",
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: "Opaque id, unique in this API; of a past state when one was asked about.",
      resolve: ({ registry, teeId, view }) => encodeGlobalId("TeeNode", registry, teeId, view.at),
    }),
    teeId: t.expose("teeId", { type: "Hex" }),
    registry: t.expose("registry", { type: "Address", description: "The registry that lists it." }),
    chainId: t.exposeInt("chainId", { description: "EIP-155 id of the chain." }),
    owner: t.expose("owner", { type: "Address" }),
    paymentAddress: t.expose("paymentAddress", { type: "Address", nullable: true }),
    status: t.expose("status", { type: NodeStatus, description: "What it is." }),
    statusPrecision: t.expose("statusPrecision", {
      type: PrecisionEnum,
      description: "Whether the contract answered so at that moment.",
    }),
    enabled: t.exposeBoolean("enabled"),
    registeredAt: t.expose("registeredAt", { type: "Timestamp" }),
    lastHeartbeatAt: t.expose("lastHeartbeatAt", { type: "Timestamp" }),
    lastSignedAt: t.expose("lastSignedAt", { type: "Timestamp" }),
  }),
});

registerLookup("TeeNode", {
  sources: FROM.og,
  keyParts: 2,
  find: async (view, [registry, teeId]) =>
    isAddress(registry) && isHash(teeId) ? wholeNodes(view).load({ registry, teeId }) : undefined,
});

builder.queryFields((t) => ({
  teeNode: t.field({
    type: TeeNodeRef,
    nullable: true,
    description: "One node; null when the registry had none with this id at the moment.",
    args: {
      teeId: t.arg({ type: "Hex", required: true, description: "keccak256 of its public key, 32 bytes." }),
      registry: t.arg({
        type: "Address",
        description: "The registry. Default: the first configured one.",
      }),
      at: t.arg(AT),
    },
    extensions: readsRows(FROM.og, 3),
    resolve: async (_, { teeId, registry, at }, { state }) => {
      const view = state.view(at);
      const key = {
        registry: resolveRegistry(state.settings, registry) ?? state.currentRegistry,
        teeId: hash32("teeId", teeId),
      };
      const node = await wholeNodes(view).load(key);
      return node === null ? null : view.scope(node);
    },
  }),
}));

/** Selection: which nodes to use, as `selectNodes` draws them. */

import type { Strategy } from "../scoring/index.ts";
import { EXCLUSION_REASONS, type Exclusion, type ExclusionReason } from "../snapshot/candidates.ts";
import { builder } from "./builder/builder.ts";
import { TeeNodeRef } from "./nodes.ts";
import {
  MAX_SELECTED,
  type NodeSelection,
  readsSelection,
  type SelectedNode,
  selectNodes,
} from "./selectNodes.ts";

export const SelectionStrategy = builder.enumType("SelectionStrategy", {
  description: "How to choose among the nodes that pass.",
  values: {
    WEIGHTED: { value: "weighted", description: "By score, within limits per operator and machine." },
    BEST: { value: "best", description: "Highest scores first." },
    RANDOM: { value: "random", description: "Each alike." },
  } as const satisfies Record<string, { value: Strategy; description: string }>,
});

export const PcrChoice = builder.enumType("PcrChoice", {
  description: "PCRs that are not named by their hash.",
  values: {
    LATEST: {
      value: "latest",
      description: "The one approved last for the nodes' type, of those still approved.",
    },
  } as const,
});

const REASONS: Readonly<Record<ExclusionReason, string>> = {
  "other-tee-type": "Not of the TEE type asked for.",
  "not-in-only": "Not among `only`.",
  "in-exclude": "Among `exclude`.",
  "other-owner": "Not of an `owner` asked for.",
  "excluded-owner": "Of an owner in `excludeOwner`.",
  "other-pcr": "Runs another PCR than asked for.",
  "no-ohttp-key": "Has no key for Oblivious HTTP that clients can use.",
  removed: "Deleted from the registry (legacy registries only).",
  revoked: "Its PCR is not approved.",
  disabled: "Switched off by its owner or an admin.",
  stale: "Its last heartbeat is too old for the contract.",
  "not-proved-alive":
    "Its newest signed second is older than `heartbeatMaxAge`; repeated signatures do not count.",
  "incomplete-record":
    "Its endpoint or certificate is unknown: nobody could connect. Or a PCR was asked for, and its own is unknown.",
  "unusable-endpoint": "Its endpoint is not an https URL whose host is a DNS name or a public address.",
  "below-min-score": "Scores less than `minScore`.",
  "below-min-uptime": "Was up for less than `minUptime`.",
};

const enumName = (reason: string): string => reason.toUpperCase().replaceAll("-", "_");

const ExclusionReasonEnum = builder.enumType("ExclusionReason", {
  description: "Why a node was left out, in the order in which reasons are looked for.",
  values: Object.fromEntries(
    EXCLUSION_REASONS.map((value) => [enumName(value), { value, description: REASONS[value] }]),
  ),
});

const ExclusionRef = builder.objectRef<Exclusion>("Exclusion").implement({
  description: "Nodes that were left out for one reason.",
  fields: (t) => ({
    reason: t.expose("reason", { type: ExclusionReasonEnum }),
    count: t.exposeInt("count"),
  }),
});

const SelectedNodeRef = builder.objectRef<SelectedNode>("SelectedNode").implement({
  description: "One node that was drawn.",
  fields: (t) => ({
    rank: t.exposeInt("rank", { description: "From 1: the node to use, then its fallbacks." }),
    probability: t.exposeFloat("probability", { description: "That this node is ranked first, 0 to 1." }),
    node: t.expose("node", { type: TeeNodeRef, description: "The node, complete enough to connect to it." }),
  }),
});

const NodeSelectionRef = builder.objectRef<NodeSelection>("NodeSelection").implement({
  description: "Which nodes to use, the first and its fallbacks. An empty list says in `excluded` why.",
  fields: (t) => ({
    scoreVersion: t.exposeString("scoreVersion"),
    seed: t.exposeString("seed"),
    validUntil: t.expose("validUntil", { type: "Timestamp", nullable: true }),
    nodes: t.field({
      type: [SelectedNodeRef],
      description: "In order of their rank.",
      resolve: ({ nodes }) => [...nodes],
    }),
    excluded: t.field({
      type: [ExclusionRef],
      resolve: ({ excluded }) => [...excluded],
    }),
  }),
});

builder.queryFields((t) => ({
  selectNodes: t.field({
    type: NodeSelectionRef,
    nullable: true,
    description:
      "Which nodes to use next, as `/v1/select` answers. Refused (`stale`) when the newest block is older than `maxLag`, or than the server's bound. The whole request is answered from the state of the snapshot that the nodes are selected from.",
    args: {
      teeType: t.arg.int({ required: true, defaultValue: 0, description: "Id of the TEE type, 0 to 255." }),
      count: t.arg.int({
        required: true,
        defaultValue: 1,
        description: `Nodes to return, the first and its fallbacks, 1 to ${MAX_SELECTED}.`,
      }),
      strategy: t.arg({
        type: SelectionStrategy,
        required: true,
        defaultValue: "weighted",
        description: "How to choose.",
      }),
      seed: t.arg.string({
        description:
          "Makes the answer repeatable, 1 to 1,024 characters. Default: one that nobody can foresee.",
      }),
      only: t.arg({ type: ["Hex"], description: "Ids of the nodes to choose among, at most 100." }),
      exclude: t.arg({ type: ["Hex"], description: "Ids of nodes to leave out, at most 100." }),
      owner: t.arg({ type: ["Address"], description: "Operators to choose among, at most 100." }),
      excludeOwner: t.arg({ type: ["Address"], description: "Operators to leave out, at most 100." }),
      pcrHash: t.arg({ type: "Hex", description: "Only nodes that run this PCR, 32 bytes." }),
      pcr: t.arg({ type: PcrChoice, description: "Only nodes that run this PCR." }),
      ohttp: t.arg.boolean({ description: "Only nodes with a key for Oblivious HTTP." }),
      minScore: t.arg.float({ description: "Lowest score, 0 to 100." }),
      minUptime: t.arg.float({
        description:
          "Lowest share of the observed time, weighed by age, during which the node was proved alive, 0 to 1.",
      }),
      registry: t.arg({
        type: "Registry",
        description: "Nodes of this registry, or `all`. Default: the first configured registry.",
      }),
    },
    extensions: { reads: readsSelection },
    resolve: (_, args, { state }) => selectNodes(state, args),
  }),
}));

/** NodeScore: the score of a node with everything that made it; and the constants of all scores. */

import DataLoader from "dataloader";
import type { NodeKey } from "../queries/nodes/nodes.ts";
import { FROM } from "../queries/state/list.ts";
import { CONSTANTS, type Constant, type Factor, type Gate, SCORE_VERSION } from "../scoring/index.ts";
import { scoresOf } from "../snapshot/leaderboard.ts";
import type { PublishedScore } from "../snapshot/registryScores.ts";
import { builder } from "./builder/builder.ts";
import { oncePer } from "./execution/oncePer.ts";
import { readsRows } from "./execution/plan/reads.ts";
import type { View } from "./execution/state.ts";
import { nodeName, TeeNodeRef } from "./nodes.ts";

const FactorName = builder.enumType("FactorName", {
  description: "What a score is made of.",
  values: {
    UPTIME: { value: "uptime", description: "By the heartbeats that the node signed." },
    REACHABILITY: { value: "reachability", description: "By probes of its endpoint." },
    LATENCY: { value: "latency", description: "By the time to first byte of probes, relative to others." },
  } as const satisfies Record<string, { value: Factor["name"]; description: string }>,
});

const ScoreFactor = builder.objectRef<Factor>("ScoreFactor").implement({
  description: "One factor of a score. Null is unknown, never zero.",
  fields: (t) => ({
    name: t.expose("name", { type: FactorName }),
    weight: t.exposeFloat("weight"),
    value: t.exposeFloat("value", { nullable: true }),
    low: t.exposeFloat("low", { nullable: true }),
    high: t.exposeFloat("high", { nullable: true }),
    observed: t.exposeFloat("observed", { nullable: true }),
    hours: t.exposeFloat("hours"),
  }),
});

export const GateReason = builder.enumType("GateReason", {
  description: "Why a node cannot be selected, whatever it scores.",
  values: {
    REMOVED: { value: "removed", description: "Deleted from the registry (legacy registries only)." },
    REVOKED: { value: "revoked", description: "Its PCR is not approved." },
    DISABLED: { value: "disabled", description: "Switched off by its owner or an admin." },
    STALE: { value: "stale", description: "Its last heartbeat is too old for the contract." },
    NOT_PROVED_ALIVE: {
      value: "not-proved-alive",
      description:
        "Its newest signed second is older than `heartbeatMaxAge`; repeated signatures do not count.",
    },
    INCOMPLETE_RECORD: {
      value: "incomplete-record",
      description: "Its endpoint or certificate is unknown: nobody could connect.",
    },
    UNUSABLE_ENDPOINT: {
      value: "unusable-endpoint",
      description: "Its endpoint is not an https URL whose host is a DNS name or a public address.",
    },
  } as const satisfies Record<string, { value: Gate["reason"]; description: string }>,
});

const ScoreGate = builder.objectRef<Gate>("ScoreGate").implement({
  description: "A gate that a node fails.",
  fields: (t) => ({
    reason: t.expose("reason", { type: GateReason }),
    detail: t.exposeString("detail"),
  }),
});

const NodeScoreRef = builder.objectRef<PublishedScore>("NodeScore").implement({
  description: "What a node scores, with everything that made it. docs/metrics.md explains each number.",
  fields: (t) => ({
    value: t.exposeFloat("value"),
    low: t.exposeFloat("low"),
    high: t.exposeFloat("high"),
    nEff: t.exposeFloat("nEff"),
    version: t.exposeString("version"),
    factors: t.field({
      type: [ScoreFactor],
      resolve: ({ factors }) => [...factors],
    }),
    gates: t.field({
      type: [ScoreGate],
      resolve: ({ gates }) => [...gates],
    }),
  }),
});

/** Loads scores of nodes in batches. */
export const scores = oncePer(
  (view: View) =>
    new DataLoader(
      async (keys: readonly NodeKey[]): Promise<readonly (PublishedScore | null)[]> => {
        const { service, transaction } = view.state;
        return scoresOf({ snapshots: service.snapshots, transaction, moment: await view.og() }, keys);
      },
      { cacheKeyFn: nodeName },
    ),
);

builder.objectFields(TeeNodeRef, (t) => ({
  score: t.field({
    type: NodeScoreRef,
    nullable: true,
    description: "What it scores at the moment asked about; null for a registry that is not indexed.",
    extensions: readsRows(FROM.og),
    resolve: (node) => scores(node.view).load(node),
  }),
}));

interface NamedConstant extends Constant {
  readonly name: string;
}

const ScoringConstant = builder.objectRef<NamedConstant>("ScoringConstant").implement({
  description: "A number in scores and selection, with its reason.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "As the code calls it." }),
    value: t.exposeFloat("value"),
    unit: t.exposeString("unit"),
    reason: t.exposeString("reason"),
  }),
});

const NAMED_CONSTANTS: readonly NamedConstant[] = Object.entries(CONSTANTS).map(([name, constant]) => ({
  name,
  ...constant,
}));

export interface Scoring {
  readonly version: string;
  readonly constants: readonly NamedConstant[];
}

const SCORING_AS_PUBLISHED: Scoring = { version: SCORE_VERSION, constants: NAMED_CONSTANTS };

const ScoringRef = builder.objectRef<Scoring>("Scoring").implement({
  description: "How scores are made.",
  fields: (t) => ({
    version: t.exposeString("version"),
    constants: t.field({
      type: [ScoringConstant],
      resolve: ({ constants }) => [...constants],
    }),
  }),
});

builder.queryFields((t) => ({
  scoring: t.field({
    type: ScoringRef,
    description: "How scores are made: version and constants.",
    resolve: () => SCORING_AS_PUBLISHED,
  }),
}));

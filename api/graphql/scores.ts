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
    name: t.expose("name", { type: FactorName, description: "Which one." }),
    weight: t.exposeFloat("weight", {
      description:
        "Its exponent in the geometric mean, 0 to 1; 0 while it does not count because nobody probes.",
    }),
    value: t.exposeFloat("value", {
      nullable: true,
      description: "What enters the score, above 0 to 1; null when it does not count.",
    }),
    low: t.exposeFloat("low", {
      nullable: true,
      description: "5 % quantile of the slow evidence, 0 to 1; null for latency.",
    }),
    high: t.exposeFloat("high", {
      nullable: true,
      description: "95 % quantile of the slow evidence, 0 to 1; null for latency.",
    }),
    observed: t.exposeFloat("observed", {
      nullable: true,
      description:
        "Share of the evidence that is up, 0 to 1; of latency, the mean log2 of it over the median. Null without evidence.",
    }),
    hours: t.exposeFloat("hours", { description: "Evidence, weighed by age, hours." }),
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
    reason: t.expose("reason", { type: GateReason, description: "Which one." }),
    detail: t.exposeString("detail", { description: "The same for people, with the figures of this node." }),
  }),
});

const NodeScoreRef = builder.objectRef<PublishedScore>("NodeScore").implement({
  description: "What a node scores, with everything that made it. docs/metrics.md explains each number.",
  fields: (t) => ({
    value: t.exposeFloat("value", { description: "The score, 0 to 100." }),
    low: t.exposeFloat("low", {
      description: "The score with every rate at its 5 % quantile, 0 to 100; approximate.",
    }),
    high: t.exposeFloat("high", {
      description: "The score with every rate at its 95 % quantile, 0 to 100; approximate.",
    }),
    nEff: t.exposeFloat("nEff", { description: "Uptime evidence, weighed by age, hours: at most 242.4." }),
    version: t.exposeString("version", { description: "Of the formula and its constants." }),
    factors: t.field({
      type: [ScoreFactor],
      description: "Uptime, reachability and latency, in this order.",
      resolve: ({ factors }) => [...factors],
    }),
    gates: t.field({
      type: [ScoreGate],
      description: "Why it cannot be selected; empty when it can.",
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
    value: t.exposeFloat("value", { description: "The number, in `unit`: of scores or selection." }),
    unit: t.exposeString("unit", { description: "What it is a number of." }),
    reason: t.exposeString("reason", { description: "Why it is so." }),
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
    version: t.exposeString("version", { description: "Changes with any of the constants." }),
    constants: t.field({
      type: [ScoringConstant],
      description: "Every number in scores and selection, the factors' weights among them.",
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

/** `include=metrics`: what the metrics of several nodes come to, beside an operator or the network. */
import { z } from "@hono/zod-openapi";
import { type GroupScope, MAX_GROUPED_NODES, readGroupMetrics } from "../queries/metrics/groupMetrics.ts";
import { NODE_WINDOW_NAMES } from "../queries/metrics/nodeMetrics.ts";
import type { AnswerState } from "../queries/state/answerState.ts";
import type { ApiSettings } from "../queries/state/service.ts";
import { groupMetricsSchema } from "./nodeMetrics.schema.ts";
import { wordsParameter } from "./parameters.ts";
import { TOKEN_INCLUDE } from "./tokenInfo.ts";

const INCLUDES = ["metrics", "token"] as const;

export const groupIncludeParameter = () =>
  wordsParameter(
    INCLUDES,
    `\`metrics\`: what the nodes' metrics come to, by window. ${TOKEN_INCLUDE}`,
  ).default([]);

export const includedMetrics = {
  metrics: z
    .strictObject(Object.fromEntries(NODE_WINDOW_NAMES.map((window) => [window, groupMetricsSchema])))
    .nullable()
    .optional()
    .openapi({
      description: `Only with \`include=metrics\`; null for more than ${MAX_GROUPED_NODES} nodes, which are too many for one answer. The more nodes there are, the fewer settlements of each stand for its latencies and availability.`,
    }),
};

/** The metrics, when they are asked for. */
export const includingMetrics = async (
  state: AnswerState,
  { registries }: ApiSettings,
  include: readonly (typeof INCLUDES)[number][],
  scope: GroupScope,
): Promise<object> =>
  include.includes("metrics")
    ? {
        metrics: await readGroupMetrics(
          state.transaction,
          state.moment("og"),
          { proofs: state.proofs, settlementRegistry: registries[0] ?? "" },
          scope,
          NODE_WINDOW_NAMES,
        ),
      }
    : {};

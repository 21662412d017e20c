/** Series of a node. */

import type { Node } from "../queries/nodes/nodes.ts";
import {
  isPaid,
  listNodePaymentSeries,
  listNodeSeries,
  type NODE_SERIES,
  nodeSeriesSources,
  type SeriesItem,
} from "../queries/series/series.ts";
import { builder } from "./builder/builder.ts";
import type { Scoped } from "./execution/state.ts";
import { TeeNodeRef } from "./nodes.ts";
import {
  readsSeries,
  type SeriesArguments,
  SeriesIntervalEnum,
  type SeriesMetrics,
  SeriesPoint,
  SHARED_METRICS,
  seriesQuery,
} from "./series.ts";

const NodeSeriesMetric = builder.enumType("NodeSeriesMetric", {
  description: "What a node's series tells.",
  values: {
    ...SHARED_METRICS,
    UPTIME: {
      value: "uptime",
      description: "Share of the bucket's seconds during which the contract called the node active, 0 to 1.",
    },
    REPEATED_HEARTBEATS: {
      value: "repeatedHeartbeats",
      description: "Heartbeats whose signed second had been sent before; a count.",
    },
    MISSED_HEARTBEATS: {
      value: "missedHeartbeats",
      description: "Heartbeats due in the bucket that did not come; a count.",
    },
    HEARTBEAT_LATENESS_MEAN_SECONDS: {
      value: "heartbeatLatenessMeanSeconds",
      description: "Mean time from a heartbeat's signed second to its block, seconds.",
    },
    SETTLEMENTS: {
      value: "settlements",
      description: "Individual settlements that name the node; a count.",
    },
    REVENUE: {
      value: "revenue",
      description:
        "Payments to an address that no other node ever named, per token, in base units: in `tokens`.",
    },
  } as const satisfies SeriesMetrics<(typeof NODE_SERIES)[number]>,
});

async function nodeSeries(
  node: Scoped<Node>,
  { metric, ...range }: SeriesArguments<typeof NodeSeriesMetric.$inferType>,
): Promise<readonly SeriesItem[]> {
  const { view } = node;
  const { transaction, settings, currentRegistry } = view.state;
  const [og, query] = [await view.og(), seriesQuery(range)];
  return isPaid(metric)
    ? listNodePaymentSeries(
        transaction,
        og,
        await view.base(),
        node,
        metric,
        query,
        settings.dailyOrganicCaps,
      )
    : listNodeSeries(transaction, view.state.proofs, og, node, metric, query, currentRegistry);
}

builder.objectFields(TeeNodeRef, (t) => ({
  series: t.field({
    type: [SeriesPoint],
    nullable: true,
    description:
      "One of its metrics by the hour or day, oldest first; at most 1,000 buckets, by default the last 24 hours or 30 days.",
    args: {
      metric: t.arg({ type: NodeSeriesMetric, required: true, description: "What to tell." }),
      interval: t.arg({
        type: SeriesIntervalEnum,
        required: true,
        defaultValue: "hour",
        description: "Width of the buckets.",
      }),
      from: t.arg({
        type: "Timestamp",
        description: "The first bucket is the one that holds it, unix seconds; not after `to`.",
      }),
      to: t.arg({
        type: "Timestamp",
        description: "No bucket begins at or after it, unix seconds. Default: the moment asked about.",
      }),
    },
    extensions: readsSeries(nodeSeriesSources),
    resolve: (node, args) => nodeSeries(node, args),
  }),
}));

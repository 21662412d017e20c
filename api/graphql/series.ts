/** Series: one metric by the hour or day. What the metrics of nodes and of the network share, and what reading one costs. */

import type { SeriesItem, SeriesQuery } from "../queries/series/series.ts";
import { DEFAULT_BUCKETS, MAX_BUCKETS, type SeriesInterval } from "../queries/series/seriesGrid.ts";
import type { Sources } from "../queries/state/answerState.ts";
import { builder } from "./builder/builder.ts";
import { refuseBackwards } from "./builder/filters.ts";
import type { FieldReads } from "./execution/plan/reads.ts";
import { TokenRevenue } from "./tokens.ts";

export const SeriesIntervalEnum = builder.enumType("SeriesInterval", {
  description: "Width of a series' buckets, in UTC.",
  values: {
    HOUR: { value: "hour", description: "3,600 seconds." },
    DAY: { value: "day", description: "86,400 seconds, from midnight UTC." },
  } as const satisfies Record<string, { value: SeriesInterval; description: string }>,
});

export const SeriesPoint = builder.objectRef<SeriesItem>("SeriesPoint").implement({
  description: "One bucket of a series.",
  fields: (t) => ({
    startAt: t.expose("startAt", { type: "Timestamp" }),
    complete: t.exposeBoolean("complete"),
    value: t.exposeFloat("value", { nullable: true }),
    tokens: t.expose("tokens", { type: [TokenRevenue], nullable: true }),
  }),
});

export type SeriesMetrics<M extends string> = Readonly<
  Record<string, { readonly value: M; readonly description: string }>
>;

/** Metrics that nodes and the network have alike. */
export const SHARED_METRICS = {
  SETTLEMENT_LATENCY_P50_SECONDS: {
    value: "settlementLatencyP50Seconds",
    description: "Median time from signature to settlement, seconds.",
  },
  SETTLEMENT_LATENCY_P95_SECONDS: {
    value: "settlementLatencyP95Seconds",
    description: "95th percentile of the time from signature to settlement, seconds.",
  },
  HEARTBEATS: { value: "heartbeats", description: "Heartbeats received, repeated ones included; a count." },
  INFERENCES: {
    value: "inferences",
    description: "Inferences with a valid signature, by the second of signing; a count.",
  },
  PROMPT_TOKENS: {
    value: "promptTokens",
    description: "Tokens of their requests, by the payloads; a count.",
  },
  COMPLETION_TOKENS: {
    value: "completionTokens",
    description: "Tokens of their answers, by the payloads; a count.",
  },
  PAYMENTS: { value: "payments", description: "x402 payments; a count." },
  PAYERS: { value: "payers", description: "Distinct payers of the bucket; a count." },
} as const;

/** Metrics that are read from single rows, not from running sums. */
const EXPENSIVE_METRICS: ReadonlySet<unknown> = new Set([
  "settlementLatencyP50Seconds",
  "settlementLatencyP95Seconds",
  "payers",
  "revenue",
  "volume",
]);
const EXPENSIVE_METRIC_ROWS = 500;
/** Assumed buckets of a range without an end: the planner does not know the present. */
const OPEN_BUCKETS = 200;

interface AnyArguments {
  readonly metric?: unknown;
  readonly interval?: unknown;
  readonly from?: unknown;
  readonly to?: unknown;
}

function bucketsOf({ interval, from, to }: AnyArguments): number {
  const [width, usual] = interval === "day" ? [86_400, DEFAULT_BUCKETS.day] : [3_600, DEFAULT_BUCKETS.hour];
  if (typeof from !== "number") return usual;
  const buckets = typeof to === "number" ? Math.ceil((to - from) / width) + 1 : OPEN_BUCKETS;
  return Math.min(MAX_BUCKETS, Math.max(1, buckets));
}

/** @param sourcesOf - by the metric, as its enum has it. */
export const readsSeries = <Metric>(sourcesOf: (metric: Metric) => Sources) => ({
  reads: (args: AnyArguments): FieldReads => ({
    // The argument is required, and of the enum's values by now.
    sources: sourcesOf(args.metric as Metric),
    rows: 10 + (EXPENSIVE_METRICS.has(args.metric) ? EXPENSIVE_METRIC_ROWS : 0) + bucketsOf(args),
  }),
});

interface GivenRange {
  readonly interval: SeriesInterval;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
}

/** The arguments of every series. */
export interface SeriesArguments<Metric> extends GivenRange {
  readonly metric: Metric;
}

/** @throws {ApiError} `invalid-parameter` for a range that ends before it begins. */
export function seriesQuery({ interval, from, to }: GivenRange): SeriesQuery {
  refuseBackwards({ from, to });
  return { interval, from: from ?? undefined, to: to ?? undefined };
}

/** Series: one metric by the hour or day. Their metrics as enums, and what reading one costs. */

import type { NETWORK_SERIES, NODE_SERIES, SeriesQuery } from "../../queries/series/series.ts";
import { DEFAULT_BUCKETS, MAX_BUCKETS, type SeriesInterval } from "../../queries/series/seriesGrid.ts";
import type { Sources } from "../../queries/state/answerState.ts";
import { builder } from "../builder.ts";
import { refuseBackwards } from "../filters.ts";
import type { FieldReads } from "../reads.ts";

export const SeriesIntervalEnum = builder.enumType("SeriesInterval", {
  description: "Width of a series' buckets, in UTC.",
  values: {
    HOUR: { value: "hour", description: "3,600 seconds." },
    DAY: { value: "day", description: "86,400 seconds, from midnight UTC." },
  } as const satisfies Record<string, { value: SeriesInterval; description: string }>,
});

type Values<M extends string> = Readonly<Record<string, { readonly value: M; readonly description: string }>>;

const SHARED = {
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

export const NodeSeriesMetric = builder.enumType("NodeSeriesMetric", {
  description: "What a node's series tells.",
  values: {
    ...SHARED,
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
  } as const satisfies Values<(typeof NODE_SERIES)[number]>,
});

export const NetworkSeriesMetric = builder.enumType("NetworkSeriesMetric", {
  description: "What a series of the network tells.",
  values: {
    ...SHARED,
    ACTIVE_NODES: {
      value: "activeNodes",
      description: "Nodes that the contract called active in the bucket's last second, or now; a count.",
    },
    UPTIME: {
      value: "uptime",
      description:
        "Seconds during which the contract called nodes active over seconds during which they were registered, of all nodes together, 0 to 1.",
    },
    REGISTRATIONS: { value: "registrations", description: "Registrations of nodes; a count." },
    INDIVIDUAL_SETTLEMENTS: {
      value: "individualSettlements",
      description: "Settlements of one inference each; a count.",
    },
    BATCH_SETTLEMENTS: { value: "batchSettlements", description: "Merkle roots of many; a count." },
    LEGACY_SETTLEMENTS: {
      value: "legacySettlements",
      description: "Events of earlier contracts; a count.",
    },
    CLAIMED_LEAVES: {
      value: "claimedLeaves",
      description: "Leaves of batches, by the relayers' word, each batch at most 1,000,000; a count.",
    },
    ONCHAIN_INFERENCES: {
      value: "onchainInferences",
      description: "On-chain inferences and workflow results; a count.",
    },
    VOLUME: { value: "volume", description: "All payments, per token, in base units: in `tokens`." },
  } as const satisfies Values<(typeof NETWORK_SERIES)[number]>,
});

/** Read from rows one by one, not from sums. */
const EXPENSIVE_METRICS: ReadonlySet<unknown> = new Set([
  "settlementLatencyP50Seconds",
  "settlementLatencyP95Seconds",
  "payers",
  "revenue",
  "volume",
]);
const EXPENSIVE_METRIC_ROWS = 500;
/** When only the beginning is given, now being unknown to the plan. */
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

/** What every series is asked with. */
export interface SeriesArguments<Metric> extends GivenRange {
  readonly metric: Metric;
}

/** @throws {ApiError} `invalid-parameter` for a range that ends before it begins. */
export function seriesQuery({ interval, from, to }: GivenRange): SeriesQuery {
  refuseBackwards({ from, to });
  return { interval, from: from ?? undefined, to: to ?? undefined };
}

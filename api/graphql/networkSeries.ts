/** Series of the network. */
import {
  isPaid,
  listNetworkPaymentSeries,
  listNetworkSeries,
  type NETWORK_SERIES,
  networkSeriesSources,
  type SeriesItem,
} from "../queries/series/series.ts";
import { operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { builder } from "./builder/builder.ts";
import type { View } from "./execution/state.ts";
import {
  readsSeries,
  type SeriesArguments,
  SeriesIntervalEnum,
  type SeriesMetrics,
  SeriesPoint,
  SHARED_METRICS,
  seriesQuery,
} from "./series.ts";

const NetworkSeriesMetric = builder.enumType("NetworkSeriesMetric", {
  description: "What a series of the network tells.",
  values: {
    ...SHARED_METRICS,
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
  } as const satisfies SeriesMetrics<(typeof NETWORK_SERIES)[number]>,
});

async function networkSeries(
  view: View,
  registry: string | null | undefined,
  { metric, ...range }: SeriesArguments<typeof NetworkSeriesMetric.$inferType>,
): Promise<readonly SeriesItem[]> {
  const { transaction, settings } = view.state;
  const registries = resolveRegistries(settings, registry ?? undefined);
  const query = seriesQuery(range);
  if (!isPaid(metric))
    return listNetworkSeries(transaction, view.state.proofs, await view.og(), registries, metric, query);
  const scope = operatorScope(settings, registries);
  const [og, base] = [await view.optionalOg(), await view.base()];
  return listNetworkPaymentSeries(transaction, og, base, metric, query, scope);
}

builder.queryFields((t) => ({
  networkSeries: t.field({
    type: [SeriesPoint],
    nullable: true,
    description:
      "One metric of the network by the hour or day, oldest first; at most 1,000 buckets, by default the last 24 hours or 30 days.",
    args: {
      metric: t.arg({ type: NetworkSeriesMetric, required: true, description: "What to tell." }),
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
        description: "No bucket begins at or after it, unix seconds. Default: now.",
      }),
      registry: t.arg({
        type: "Registry",
        description:
          "Heartbeats, active nodes and registrations of this registry, or `all`; the rest is the whole network's. Default: the first configured registry.",
      }),
    },
    extensions: readsSeries(networkSeriesSources),
    resolve: (_, { registry, ...args }, { state }) => networkSeries(state.view(null), registry, args),
  }),
}));

/** `/v1/nodes/:teeId/series` and `/v1/network/series`. */
import { z } from "@hono/zod-openapi";
import type { NodeDetail } from "../queries/nodes/nodes.ts";
import {
  isPaid,
  listNetworkPaymentSeries,
  listNetworkSeries,
  listNodePaymentSeries,
  listNodeSeries,
  NETWORK_SERIES,
  NODE_SERIES,
  networkSeriesSources,
  nodeSeriesSources,
  type SeriesItem,
} from "../queries/series/series.ts";
import { DEFAULT_BUCKETS, MAX_BUCKETS, SERIES_INTERVALS } from "../queries/series/seriesGrid.ts";
import type { AnswerState, Sources } from "../queries/state/answerState.ts";
import { type ApiService, operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { answerList } from "./answerList.ts";
import { unixSeconds, volumeSchema } from "./fieldSchemas.ts";
import {
  freshnessParameters,
  hashParameter,
  listParameters,
  oneOfParameter,
  registryParameter,
  timeParameter,
} from "./parameters.ts";
import type { RequestContext } from "./request.ts";
import { oneRegistryParameter, requireNode } from "./requireNode.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

export const seriesItemSchema = z
  .strictObject({
    startAt: unixSeconds(),
    complete: z.boolean(),
    value: z.number().nullable(),
    tokens: z.array(volumeSchema).nullable(),
  })
  .openapi("SeriesItem");

const METRICS = {
  uptime: "share of the bucket's seconds during which the contract called the node active",
  heartbeats: "received, repeated ones included",
  repeatedHeartbeats: "whose signed second had been sent before",
  missedHeartbeats: "due in the bucket and not sent within half an interval more",
  heartbeatLatenessMeanSeconds: "mean of block time minus signed second",
  settlements: "individual ones that name the node",
  settlementLatencyP50Seconds: "median of block time minus signed time",
  settlementLatencyP95Seconds: "95th percentile of the same",
  activeNodes: "that the contract called active in the bucket's last second, or now",
  registrations: "of nodes",
  individualSettlements: "of one inference each",
  batchSettlements: "Merkle roots of many",
  legacySettlements: "events of earlier contracts",
  claimedLeaves: "leaves of batches by the relayers' word, each batch clamped to 1e6",
  onchainInferences: "and results of workflows",
  inferences: "with a valid signature, by the second of signing",
  promptTokens: "of these, as payloads claim; null when none does",
  completionTokens: "likewise",
  payments: "by x402",
  payers: "distinct in the bucket",
  revenue: "payments to an address that no other node ever named, per token; null for others",
  volume: "of all payments, per token",
} as const satisfies Record<(typeof NODE_SERIES)[number] | (typeof NETWORK_SERIES)[number], string>;

const metricParameter = <const T extends readonly [keyof typeof METRICS, ...(keyof typeof METRICS)[]]>(
  metrics: T,
) => oneOfParameter(metrics, metrics.map((metric) => `\`${metric}\`: ${METRICS[metric]}.`).join(" "));

const shared = {
  ...freshnessParameters,
  interval: oneOfParameter(SERIES_INTERVALS, "Width of the buckets, in UTC.").default("hour"),
  from: timeParameter(
    `Unix seconds, not after \`to\`: the first bucket is the one that holds it. Default: ${DEFAULT_BUCKETS.hour} hours or ${DEFAULT_BUCKETS.day} days before the last. At most ${MAX_BUCKETS} buckets.`,
  ).optional(),
  to: timeParameter("Unix seconds, exclusive: no bucket begins at or after it. Default: now.").optional(),
  format: listParameters.format,
  include: tokenIncludeParameter(),
};

/** A series is one page, in order of time. */
const answerSeries = (
  service: ApiService,
  context: RequestContext,
  sources: Sources,
  query: { readonly format: "json" | "csv" | "ndjson"; readonly maxLag?: number | undefined },
  work: (state: AnswerState) => Promise<readonly SeriesItem[]>,
) =>
  answerList(
    service,
    context,
    { sources, keyTypes: ["position"] },
    { query: { ...query, limit: MAX_BUCKETS, all: false }, item: seriesItemSchema },
    async (state) => ({ items: await work(state), keys: [], endKey: null, hasNextPage: false }),
  );

export function seriesRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;
  const settlementRegistry = settings.registries[0] ?? "";
  const bare: NodeDetail = { keys: "without-keys" };

  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}/series",
      operationId: "getNodeSeries",
      tag: "Nodes",
      problems: ["node-not-found", "too-many-buckets"],
      summary: "One metric of a node by the hour or day, oldest first.",
      answers: "list",
      schema: seriesItemSchema,
      params: { teeId: hashParameter() },
      query: {
        ...shared,
        metric: metricParameter(NODE_SERIES),
        registry: oneRegistryParameter(),
      },
    },
    (context, { params, query }) => {
      const { metric, registry } = query;
      return answerSeries(service, context, nodeSeriesSources(metric), query, async (state) => {
        const { transaction } = state;
        const og = state.moment("og");
        const node = await requireNode(state, og, settings, params.teeId, registry, bare);
        return isPaid(metric)
          ? listNodePaymentSeries(
              transaction,
              og,
              state.moment("base"),
              node,
              metric,
              query,
              settings.dailyOrganicCaps,
            )
          : listNodeSeries(transaction, state.proofs, og, node, metric, query, settlementRegistry);
      });
    },
  );

  defineRoute(
    app,
    {
      path: "/v1/network/series",
      operationId: "getNetworkSeries",
      tag: "Network",
      problems: ["too-many-buckets"],
      summary: "One metric of the network by the hour or day, oldest first.",
      answers: "list",
      schema: seriesItemSchema,
      params: {},
      query: {
        ...shared,
        metric: metricParameter(NETWORK_SERIES),
        registry: registryParameter().optional().openapi({
          description:
            "Heartbeats, active nodes and registrations of this registry, or `all`; the rest is the whole network's. Default: the first configured registry.",
        }),
      },
    },
    (context, { query }) => {
      const { metric, registry } = query;
      const registries = resolveRegistries(settings, registry);
      return answerSeries(service, context, networkSeriesSources(metric), query, (state) => {
        const { transaction } = state;
        if (!isPaid(metric))
          return listNetworkSeries(transaction, state.proofs, state.moment("og"), registries, metric, query);
        const scope = operatorScope(settings, registries);
        const [og, base] = [state.optionalMoment("og"), state.moment("base")];
        return listNetworkPaymentSeries(transaction, og, base, metric, query, scope);
      });
    },
  );
}

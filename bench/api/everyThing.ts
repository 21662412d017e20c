/** Everything that is not a list: single objects, aggregates, series. */
import type { Examples } from "./examples.ts";
import { BEGINS, DAY, HOUR, headTime } from "./history/size.ts";

const NODE_METRICS =
  "uptime heartbeats repeatedHeartbeats missedHeartbeats heartbeatLatenessMeanSeconds settlements settlementLatencyP50Seconds settlementLatencyP95Seconds inferences promptTokens completionTokens payments payers revenue";
const NETWORK_METRICS =
  "heartbeats activeNodes registrations individualSettlements batchSettlements legacySettlements claimedLeaves onchainInferences inferences promptTokens completionTokens payments payers volume";

export function everyThing({
  nodes,
  operators,
  payers,
  relayers,
  inferences,
  settlements,
  channels,
  times,
  size,
}: Examples): readonly string[] {
  const head = headTime(size);
  const series = (path: string, metrics: string) =>
    metrics
      .split(" ")
      .flatMap((metric) =>
        [
          "interval=hour",
          "interval=day",
          `interval=hour&from=${head - 999 * HOUR}`,
          `interval=day&from=${Math.max(0, head - 999 * DAY)}`,
          `interval=hour&from=${BEGINS}&to=${BEGINS + 1_000 * HOUR}`,
        ].map((range) => `${path}?metric=${metric}&${range}`),
      );
  const ofNode = nodes.slice(0, 2);
  return [
    ...ofNode.flatMap((id) => ["", ...times.map((at) => `?at=${at}`)].map((at) => `/v1/nodes/${id}${at}`)),
    ...ofNode.flatMap((id) => series(`/v1/nodes/${id}/series`, NODE_METRICS)),
    ...series("/v1/network/series", NETWORK_METRICS),
    ...operators
      .slice(0, 2)
      .flatMap((address) => ["", "?include=metrics"].map((include) => `/v1/operators/${address}${include}`)),
    ...payers.slice(0, 2).map((address) => `/v1/payers/${address}`),
    ...relayers.slice(0, 2).map((address) => `/v1/relayers/${address}`),
    ...inferences.slice(0, 4).flatMap((id) => [`/v1/inferences/${id}`, `/v1/inferences/${id}/receipt`]),
    ...settlements.map((id) => `/v1/settlements/${id}`),
    ...channels.slice(0, 1).map((id) => `/v1/channels/${id}`),
    "/v1/network",
    "/v1/network?registry=all",
    "/v1/operators?limit=1000",
    "/v1/network?include=metrics",
    "/v1/nodes?limit=50&include=keys,metrics",
    "/v1/nodes?limit=50&include=metrics&registry=all",
    "/v1/tee-types",
    "/v1/pcrs",
    "/v1/status",
    "/v1/select?count=20&seed=1",
    "/ready",
  ];
}

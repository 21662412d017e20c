/** Fields of metrics, series, scores, selections and the network's totals. */
import { AVAILABILITY_SAMPLES } from "../queries/metrics/nodeProofs.ts";
import { LATENCY_SAMPLES } from "../queries/metrics/settlementLatency.ts";
import { MAX_PAYEES } from "../queries/operators/network.ts";
import { MAX_PAYER_DAYS } from "../queries/payments/nodeRevenue.ts";
import { MAX_JOINT_PAYERS } from "../queries/payments/revenueTotals.ts";
import { MAX_PAID_ROWS } from "../queries/series/seriesOfDemand.ts";
import { count, HOUR, rare, SAMPLES, time, type Words } from "./word.ts";

const { teeId } = SAMPLES;

export const METRIC_WORDS: Words = {
  // Windows
  metrics: { says: "By window." },
  "1h": { says: "The last hour." },
  "24h": { says: "The last 24 hours." },
  "7d": { says: "The last 7 days." },
  "30d": { says: "The last 30 days." },
  all: { says: "Since its registration." },

  // Metrics of nodes
  heartbeats: count("Heartbeats received, repeated ones included", 96),
  repeatedHeartbeats: count(
    "Of `heartbeats`, those whose signed second had been sent before: anyone may repeat one",
    0,
  ),
  missedHeartbeats: count(
    "Heartbeats that were due, every half of `heartbeatMaxAge` while the node was registered and enabled, and did not come within half an interval more; a relayer's silence is not excused here, as it is in the score",
    0,
  ),
  heartbeatLatenessMeanSeconds: {
    says: "Mean time from a heartbeat's signed second to its block, seconds; null without heartbeats.",
    sample: 6.2,
  },
  uptime: {
    says: "Share of the window's seconds during which the contract called the node active, 0 to 1; null before its first second.",
    sample: 0.998,
  },
  "GroupMetrics.inferences": count(
    "Distinct inferences signed in the window with a valid signature of one of the nodes",
    42,
  ),
  "GroupMetrics.settlements": count("Individual settlements that name one of the nodes", 310),
  "GroupMetrics.settlementLatencyP50Seconds": {
    says: "Median time from signature to settlement over individual settlements of all the nodes, seconds.",
    sample: 14,
  },
  "GroupMetrics.proofAvailability": {
    says: "Of the newest individual settlements of each node whose payload was looked for, those of the window: the share whose payload could be fetched, 0 to 1.",
    sample: 1,
  },
  "GroupMetrics.uptime": {
    says: "Mean uptime of the nodes that existed in the window, 0 to 1.",
    sample: 0.998,
  },
  "NodeMetrics.inferences": count(
    "Distinct inferences signed in the window with a valid signature of the node",
    42,
  ),
  "NodeMetrics.promptTokens": count(
    "Tokens of the requests of `inferences`, as their payloads claim",
    412,
    "when there are some and none claims any",
  ),
  "NodeMetrics.completionTokens": count(
    "Tokens of the answers of `inferences`, as their payloads claim",
    96,
    "when there are some and none claims any",
  ),
  "NodeMetrics.settlements": count("Individual settlements that name the node", 310),
  "NodeMetrics.payers": count(
    "Distinct payers of `revenue`",
    4,
    `where that is null, and when a window other than \`all\` holds more than ${MAX_PAYER_DAYS} days of payers`,
  ),
  "NodeMetrics.revenue": {
    says: "Payments to its payment address up to the newest Base block, per token; null when another node ever named that address, because nothing tells whose a payment is then, and while Base is not ready.",
  },
  settlementLatencyP50Seconds: {
    says: `Median time from signature to settlement of its individual settlements, seconds; of more than ${LATENCY_SAMPLES}, from as many spread evenly over the window's blocks.`,
    sample: 14,
  },
  settlementLatencyP95Seconds: {
    says: "95th percentile of the same, seconds.",
    sample: 38,
  },
  proofAvailability: {
    says: `Of its newest ${AVAILABILITY_SAMPLES} individual settlements whose payload was looked for, those of the window: the share whose payload could be fetched, 0 to 1. It says more about relayers than about the node.`,
    sample: 1,
  },
  probes: count("Attempts to connect to its endpoint", 24),
  probeSuccess: { says: "Share of them that reached it with its registered certificate, 0 to 1.", sample: 1 },
  probeP50Ms: { says: "Median time to first byte of the probes, milliseconds.", sample: 184 },

  // Scores
  score: { says: "The node's score; null without evidence for one: see `/v1/scoring`." },
  "Score.value": { says: "The score, 0 to 100.", sample: 96.99 },
  "Score.low": {
    says: "The score with every rate at its 5 % quantile, 0 to 100; approximate.",
    sample: 94.12,
  },
  "Score.high": {
    says: "The score with every rate at its 95 % quantile, 0 to 100; approximate.",
    sample: 98.4,
  },
  "Score.version": { says: "Version of the formula and its constants: `/v1/scoring`.", sample: "2" },
  nEff: { says: "Uptime evidence, weighed by age, hours: at most 242.4.", sample: 152.3 },
  factors: { says: "Uptime, reachability and latency, in this order: the score is their weighted product." },
  "factors.name": { says: "Which factor.", sample: "uptime" },
  "factors.weight": {
    says: "Its exponent in the geometric mean, 0 to 1; 0 while the factor does not count.",
    sample: 0.45,
  },
  "factors.value": {
    says: "What enters the score, above 0 to 1; null when it does not count.",
    sample: 0.9882,
  },
  "factors.low": { says: "5 % quantile of the slow evidence, 0 to 1; null for latency.", sample: 0.9648 },
  "factors.high": { says: "95 % quantile of the slow evidence, 0 to 1; null for latency.", sample: 0.9991 },
  "factors.observed": {
    says: "Share of the evidence that is up, 0 to 1; for latency the mean log2 of latency over the median. Null without evidence.",
    sample: 0.9997,
  },
  "factors.hours": { says: "Evidence, weighed by age, hours.", sample: 152.3 },
  gates: rare("Why the node cannot be selected; empty when it can."),
  "gates.reason": { says: "Which gate it does not pass, a stable code.", sample: "stale" },
  "gates.detail": {
    says: "The same for people, with the figures of this node.",
    sample: "the registry would not list it: it is stale",
  },
  weights: { says: "Exponents of the factors." },
  "weights.uptime": { says: "Of proved uptime.", sample: 0.45 },
  "weights.reachability": { says: "Of probes that reached the node.", sample: 0.35 },
  "weights.latency": { says: "Of the time to first byte.", sample: 0.2 },
  constants: { says: "Every number in scores and selection by name, each with its unit and reason." },
  "constants.key": { says: "Name of the constant.", sample: "uptimeWeight" },
  "constants.value": { says: "The number, in `unit`: of scores or selection.", sample: 0.45 },
  "constants.unit": { says: "What it is measured in.", sample: "exponent" },
  "constants.reason": { says: "Why it is what it is.", sample: "what the contract itself proves" },
  "Scoring.version": { says: "Changes with any of the constants.", sample: "2" },

  // Selections
  rank: { says: "From 1: the node to use, then its fallbacks.", sample: 1 },
  probability: { says: "That this node is ranked first, 0 to 1.", sample: 0.387 },
  seed: {
    says: "Given again at the same `asOf`, it gives the same answer.",
    sample: "9f86d081884c7d65",
  },
  validUntil: time(
    "First second at which one of these nodes could fail a gate if nothing is heard of it until then",
    -900,
    "without nodes",
  ),
  nodes: { says: "The nodes, in order of their rank." },
  node: { says: "The node, complete enough to connect to it." },
  excluded: { says: "Nodes that were left out: each counts for the first reason that applies to it." },
  "excluded.reason": {
    says: "A stable code: the first that applies to each of these nodes.",
    sample: "stale",
  },
  "excluded.count": count("Nodes left out for this reason", 3),
  count: count("How many", 3),
  only: { says: "Node ids.", sample: teeId },
  exclude: { says: "Node ids.", sample: teeId },
  minScore: { says: "Lowest score, 0 to 100.", sample: 80 },
  "NodeFilter.maxScore": { says: "Highest score, 0 to 100.", sample: 100 },
  minUptime: { says: "Lowest uptime.", sample: 0.95 },

  // Series
  startAt: time("When the bucket begins: a full hour, or a midnight in UTC", HOUR),
  complete: {
    says: "False while the bucket still runs: it holds what is indexed so far. Inferences count by the second of signing, so what is settled or verified later still joins complete buckets.",
  },
  metric: { says: "The metric.", sample: "inferences" },
  interval: { says: "Width of the buckets, in UTC.", sample: "hour" },
  "SeriesItem.value": {
    says: "The metric in its own unit (a count, seconds, or a share of 0 to 1); null where unknown: before the node's registration or the chain's first indexed event, in means, percentiles and shares of nothing, and in series of amounts. Zero is known to be zero.",
    sample: 42,
  },
  "SeriesItem.tokens": {
    says: `Of \`revenue\` and \`volume\`: one entry per token that was paid in, null where unknown and in other series. \`organic\` of an hour is what it added to its day's; null too when the series holds more than ${MAX_PAID_ROWS} payments (by the hour) or days of payers.`,
  },

  // The network
  "Network.nodes": { says: "Nodes by status." },
  "Network.heartbeats": count("Heartbeats received", 96),
  "Network.payments": count("x402 payments", 1_204, "while Base is not ready"),
  "Network.promptTokens": count(
    "Tokens of the requests of `inferences`, as their payloads claim",
    412,
    "when there are some and none claims any",
  ),
  "Network.completionTokens": count(
    "Tokens of the answers of `inferences`, as their payloads claim",
    96,
    "when there are some and none claims any",
  ),
  "Network.volume": {
    says: `What was paid to anyone, in order of the token; null while Base is not ready. \`organic\` counts a payer for at most one whole token per operator and day, payees that are no operator's own counting as one operator; null for tokens without such a bound, and when more than ${MAX_JOINT_PAYERS} payers paid several of an operator's payees or there are more than ${MAX_PAYEES} payees.`,
  },
  "Network.tokens": {
    says: "What was paid in: the tokens of `volume`, in its order; null while Base is not ready.",
  },
};

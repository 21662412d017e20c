/** The metrics of one node or of several, over one window. */
import { z } from "@hono/zod-openapi";
import { AVAILABILITY_SAMPLES } from "../queries/metrics/nodeProofs.ts";
import { LATENCY_SAMPLES } from "../queries/metrics/settlementLatency.ts";
import { MAX_PAYER_DAYS } from "../queries/payments/nodeRevenue.ts";
import { count, volumeSchema } from "./fieldSchemas.ts";

export const metricsSchema = z
  .strictObject({
    uptime: z.number().nullable().openapi({
      description: "Share of the window's seconds during which the contract called the node active, 0 to 1.",
    }),
    heartbeats: count().nullable().openapi({ description: "Received, repeated ones included." }),
    repeatedHeartbeats: count().nullable().openapi({
      description: "Of `heartbeats`, those whose signed second had been sent before: anyone may repeat one.",
    }),
    missedHeartbeats: count().nullable().openapi({
      description:
        "Heartbeats that were due, every `heartbeatMaxAge` / 2 while the node was registered and enabled, and did not come within half an interval more. A relayer's silence is not excused here, as it is in the score.",
    }),
    heartbeatLatenessMeanSeconds: z.number().nullable().openapi({
      description: "Mean time from signed second to block, seconds, over `heartbeats`; null without any.",
    }),
    inferences: count().nullable().openapi({
      description: "Signed in the window, with a valid signature, settled after the node's registration.",
    }),
    promptTokens: count().nullable().openapi({
      description:
        "Tokens of the requests of `inferences`, as their payloads claim; null when there are some and none claims any.",
    }),
    completionTokens: count().nullable().openapi({ description: "The same of their answers." }),
    settlements: count().nullable().openapi({ description: "Individual settlements that name the node." }),
    payers: count()
      .nullable()
      .openapi({
        description: `Distinct payers of \`revenue\`; null where that is null, and when a window other than \`all\` holds more than ${MAX_PAYER_DAYS} days of payers.`,
      }),
    revenue: z.array(volumeSchema).nullable().openapi({
      description:
        "Payments to its payment address up to the newest Base block; null when another node ever named that address, because nothing tells whose a payment is then, and while Base cannot be answered from.",
    }),
    settlementLatencyP50Seconds: z
      .number()
      .nullable()
      .openapi({
        description: `Median of block time minus signed time of its individual settlements, seconds; of more than ${LATENCY_SAMPLES}, from as many spread evenly over the window's blocks.`,
      }),
    settlementLatencyP95Seconds: z
      .number()
      .nullable()
      .openapi({ description: "95th percentile of the same." }),
    proofAvailability: z
      .number()
      .nullable()
      .openapi({
        description: `Of its newest ${AVAILABILITY_SAMPLES} individual settlements whose payload was looked for, those of the window: the share whose payload could be had. It says more about relayers than about the node.`,
      }),
    probes: count().nullable(),
    probeSuccess: z.number().nullable(),
    probeP50Ms: z.number().nullable(),
  })
  .openapi("NodeMetrics");

/** Of several nodes: `uptime` is the mean over those that existed in the window, the rest sums, percentiles those of all. */
export const groupMetricsSchema = metricsSchema
  .omit({ payers: true, revenue: true, probes: true, probeSuccess: true, probeP50Ms: true })
  .openapi("GroupMetrics");

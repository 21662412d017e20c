/** The metrics of one node or of several, over one window. */
import { z } from "@hono/zod-openapi";
import { GROUP_METRICS } from "../queries/metrics/groupMetrics.ts";
import { count, volumeSchema } from "./fieldSchemas.ts";

export const metricsSchema = z
  .strictObject({
    uptime: z.number().nullable(),
    heartbeats: count().nullable(),
    repeatedHeartbeats: count().nullable(),
    missedHeartbeats: count().nullable(),
    heartbeatLatenessMeanSeconds: z.number().nullable(),
    inferences: count().nullable(),
    promptTokens: count().nullable(),
    completionTokens: count().nullable(),
    settlements: count().nullable(),
    payers: count().nullable(),
    revenue: z.array(volumeSchema).nullable(),
    settlementLatencyP50Seconds: z.number().nullable(),
    settlementLatencyP95Seconds: z.number().nullable(),
    proofAvailability: z.number().nullable(),
    probes: count().nullable(),
    probeSuccess: z.number().nullable(),
    probeP50Ms: z.number().nullable(),
  })
  .openapi("NodeMetrics");

/** Of several nodes: `uptime` is the mean over those that existed in the window, the rest sums, percentiles those of all. */
export const groupMetricsSchema = metricsSchema.pick(GROUP_METRICS).openapi("GroupMetrics");

/** How a node's score is shown, wherever it is. */
import { z } from "@hono/zod-openapi";

const factorSchema = z.strictObject({
  name: z.enum(["uptime", "reachability", "latency"]),
  weight: z.number(),
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  observed: z.number().nullable(),
  hours: z.number(),
});

const gateSchema = z.strictObject({
  reason: z.enum([
    "removed",
    "revoked",
    "disabled",
    "stale",
    "not-proved-alive",
    "incomplete-record",
    "unusable-endpoint",
  ]),
  detail: z.string(),
});

export const scoreSchema = z
  .strictObject({
    value: z.number(),
    low: z.number(),
    high: z.number(),
    nEff: z.number(),
    version: z.string(),
    factors: z.array(factorSchema),
    gates: z.array(gateSchema),
  })
  .openapi("Score");

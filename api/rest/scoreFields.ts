/** How a node's score is shown, wherever it is. */
import { z } from "@hono/zod-openapi";

const factorSchema = z.strictObject({
  name: z.enum(["uptime", "reachability", "latency"]),
  weight: z.number().openapi({ description: "The exponent; 0 when the factor does not count." }),
  value: z.number().nullable().openapi({ description: "In (0, 1]; null when it does not count." }),
  low: z.number().nullable().openapi({ description: "5 % quantile of the slow evidence." }),
  high: z.number().nullable().openapi({ description: "95 % quantile of the slow evidence." }),
  observed: z.number().nullable().openapi({
    description:
      "Share of the evidence that is up (uptime, reachability), or mean log2 of latency over the median; null without evidence.",
  }),
  hours: z.number().openapi({ description: "Hours of evidence, weighed by age." }),
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
    value: z.number().openapi({ description: "0 to 100." }),
    low: z.number().openapi({ description: "With every rate at its 5 % quantile; approximate." }),
    high: z.number().openapi({ description: "With every rate at its 95 % quantile; approximate." }),
    nEff: z.number().openapi({ description: "Hours of uptime evidence, weighed by age: at most 242.4." }),
    version: z.string(),
    factors: z.array(factorSchema),
    gates: z.array(gateSchema).openapi({ description: "Why it cannot be selected; empty when it can." }),
  })
  .openapi("Score");

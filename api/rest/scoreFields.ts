/** How a node's score is shown, wherever it is. */
import { z } from "@hono/zod-openapi";
import { FACTOR_NAMES, GATE_REASONS } from "../scoring/index.ts";

const factorSchema = z.strictObject({
  name: z.enum(FACTOR_NAMES),
  weight: z.number(),
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  observed: z.number().nullable(),
  hours: z.number(),
});

const gateSchema = z.strictObject({
  reason: z.enum(GATE_REASONS),
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

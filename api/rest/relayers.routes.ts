/** `/v1/relayers/:address`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { findRelayer, LATENCY_SAMPLES, LATENESS_SAMPLES } from "../queries/settlements/relayers.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, count, unixSeconds } from "./fieldSchemas.ts";
import { addressParameter, freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const latency = (of: string) =>
  z
    .strictObject({ p50Seconds: z.int().nullable(), p95Seconds: z.int().nullable(), samples: count() })
    .openapi({ description: `Block time minus signed time of ${of}.` });

export const relayerSchema = z
  .strictObject({
    address: address(),
    firstSeenAt: unixSeconds(),
    lastSeenAt: unixSeconds(),
    lastHeartbeatAt: unixSeconds()
      .nullable()
      .openapi({ description: "Block time of the newest one it relayed, unix seconds; null without one." }),
    heartbeats: z
      .strictObject({
        sent: count().openapi({ description: "All of them, repeated ones included." }),
        repeated: count().openapi({
          description: "Of those in `lateness`, the ones whose signed second had been sent before.",
        }),
        lateness: latency(`the newest ${LATENESS_SAMPLES} of them`),
      })
      .openapi({ description: "Those of the last 24 hours." }),
    settlements: z.strictObject({ individual: count(), batch: count(), legacy: count() }),
    verdicts: z.strictObject({
      pending: count(),
      verified: count(),
      partial: count(),
      invalid: count(),
      unavailable: count(),
      unverifiable: count(),
    }),
    leaves: z
      .strictObject({ valid: count(), invalid: count(), unknownNode: count() })
      .openapi({ description: "Of its proven batches." }),
    proofAvailability: z
      .number()
      .nullable()
      .openapi({ description: "Share of its decided batches whose blob could be had, 0 to 1." }),
    settlementLatency: z.strictObject({
      individual: latency(`its newest ${LATENCY_SAMPLES.individuals} individual settlements`),
      batch: latency(
        `the first ${LATENCY_SAMPLES.leavesPerBatch} valid leaves of each of its newest ${LATENCY_SAMPLES.batches} proven batches`,
      ),
    }),
  })
  .openapi("Relayer");

export function relayerRoutes(app: ApiApp, service: ApiService): void {
  defineRoute(
    app,
    {
      path: "/v1/relayers/{address}",
      operationId: "getRelayer",
      tag: "Accounts",
      problems: ["relayer-not-found"],
      summary: "What one relayer sent, and what it was worth.",
      answers: "one",
      schema: relayerSchema,
      params: { address: addressParameter() },
      query: freshnessParameters,
    },
    (context, { params: { address }, query }) =>
      answerOne(service, context, { sources: { required: ["og"], proofs: "read" }, query }, async (state) => {
        const relayer = await findRelayer(state.transaction, state.proofs, state.moment("og"), address);
        if (relayer !== null) return relayer;
        throw new ApiError(
          "relayer-not-found",
          `address: no settlement or heartbeat was sent by "${address}"`,
          {
            parameter: "address",
            value: address,
          },
        );
      }),
  );
}

/** `/v1/relayers/:address`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { findRelayer } from "../queries/settlements/relayers.ts";
import type { ApiService } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, count, unixSeconds } from "./fieldSchemas.ts";
import { addressParameter, freshnessParameters } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

const latency = () =>
  z.strictObject({ p50Seconds: z.int().nullable(), p95Seconds: z.int().nullable(), samples: count() });

export const relayerSchema = z
  .strictObject({
    address: address(),
    firstSeenAt: unixSeconds(),
    lastSeenAt: unixSeconds(),
    lastHeartbeatAt: unixSeconds().nullable(),
    heartbeats: z.strictObject({
      sent: count(),
      repeated: count(),
      lateness: latency(),
    }),
    settlements: z.strictObject({ individual: count(), batch: count(), legacy: count() }),
    verdicts: z.strictObject({
      pending: count(),
      verified: count(),
      partial: count(),
      invalid: count(),
      unavailable: count(),
      unverifiable: count(),
    }),
    leaves: z.strictObject({ valid: count(), invalid: count(), unknownNode: count() }),
    proofAvailability: z.number().nullable(),
    settlementLatency: z.strictObject({
      individual: latency(),
      batch: latency(),
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

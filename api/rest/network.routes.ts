/** `/v1/network`. */
import { z } from "@hono/zod-openapi";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import { readNetwork } from "../queries/operators/network.ts";
import { FROM } from "../queries/state/list.ts";
import { type ApiService, operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { address, count, nodeCountsSchema, tokenSchema, unixSeconds, volumeSchema } from "./fieldSchemas.ts";
import { groupIncludeParameter, includedMetrics, includingMetrics } from "./groupMetrics.ts";
import { freshnessParameters, registryParameter } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

export const networkSchema = z
  .strictObject({
    nodes: nodeCountsSchema,
    operators: count(),
    heartbeats: count(),
    heartbeatMaxAge: z
      .strictObject({
        registry: address(),
        value: z.int(),
        precision: z.enum(PRECISIONS),
        exactSince: unixSeconds().nullable(),
      })
      .nullable(),
    settlements: z.strictObject({
      individual: count(),
      batch: count(),
      legacy: count(),
      claimedLeaves: count(),
    }),
    onchainInferences: count(),
    inferences: count().nullable(),
    promptTokens: count().nullable(),
    completionTokens: count().nullable(),
    models: count().nullable(),
    payments: count().nullable(),
    payers: count().nullable(),
    volume: z.array(volumeSchema.omit({ effectivePayers: true }).openapi("TotalVolume")).nullable(),
    tokens: z.array(tokenSchema).nullable(),
    ...includedMetrics,
  })
  .openapi("Network");

/** Base's part is null, and its headers are absent, while Base is not ready. */
const SOURCES = { ...FROM.ogAndMaybeBase, proofs: "read" } as const;

export function networkRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;

  defineRoute(
    app,
    {
      path: "/v1/network",
      operationId: "getNetwork",
      tag: "Network",
      summary: "Totals now.",
      answers: "one",
      schema: networkSchema,
      params: {},
      query: {
        ...freshnessParameters,
        registry: registryParameter().optional(),
        include: groupIncludeParameter(),
      },
    },
    (context, { query }) =>
      answerOne(service, context, { sources: SOURCES, query }, async (state) => {
        const registries = resolveRegistries(settings, query.registry);
        const totals = await readNetwork(
          state.transaction,
          state.proofs,
          state.moment("og"),
          state.optionalMoment("base"),
          operatorScope(settings, registries),
        );
        const metrics = await includingMetrics(state, settings, query.include, { registries, owner: null });
        return { ...totals, ...metrics };
      }),
  );
}

/** `/v1/network`. */
import { z } from "@hono/zod-openapi";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import { MAX_PAYEES, readNetwork } from "../queries/operators/network.ts";
import { MAX_JOINT_PAYERS } from "../queries/payments/revenueTotals.ts";
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
        value: z
          .int()
          .openapi({ description: "Seconds that the newest heartbeat of an active node may be old." }),
        precision: z.enum(PRECISIONS),
        exactSince: unixSeconds().nullable().openapi({
          description:
            "Block time since which every value is known, and with it what was active; null while the one in force is not.",
        }),
      })
      .nullable()
      .openapi({
        description:
          "The value in force, and how far back its history is known; null for `all` registries, and before the registry's first event.",
      }),
    settlements: z.strictObject({
      individual: count(),
      batch: count(),
      legacy: count(),
      claimedLeaves: count(),
    }),
    onchainInferences: count(),
    inferences: count().nullable().openapi({
      description: "Distinct ones, with a valid signature of a node that was registered by then.",
    }),
    promptTokens: count().nullable().openapi({
      description:
        "Tokens of their requests, as payloads claim; null when there are inferences and none claims any.",
    }),
    completionTokens: count().nullable().openapi({ description: "The same of their answers." }),
    models: count().nullable().openapi({ description: "Distinct ones that payloads name." }),
    payments: count().nullable(),
    payers: count().nullable(),
    volume: z
      .array(volumeSchema.omit({ effectivePayers: true }).openapi("TotalVolume"))
      .nullable()
      .openapi({
        description: `What was paid to anyone, in order of the token. \`organic\` counts a payer for at most one whole token per operator and day, payees that are no operator's own counting as one operator; null for tokens without such a bound, and when more than ${MAX_JOINT_PAYERS} payers paid several of an operator's payees or there are more than ${MAX_PAYEES} payees.`,
      }),
    tokens: z.array(tokenSchema).nullable().openapi({
      description:
        "What was paid in: the tokens of `volume`, in its order; null while Base cannot be answered from.",
    }),
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

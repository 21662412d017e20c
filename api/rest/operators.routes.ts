/** `/v1/operators`, `/v1/operators/:address` and `/v1/network`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { readNetwork } from "../queries/network.ts";
import { findOperator, listOperators } from "../queries/operators.ts";
import { type ApiService, registriesMeant } from "../queries/service.ts";
import { answerList, answerOne } from "./answer.ts";
import { address, amount, count, unixSeconds } from "./fields.ts";
import { addressParameter, freshnessParameters, listParameters, registryParameter } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";

/** Base's part of these answers is null, and its headers are absent, while Base cannot be answered from. */
const BOTH = { required: ["og"], optional: ["base"] } as const;

const nodeCounts = z.strictObject({
  total: count(),
  active: count(),
  stale: count(),
  disabled: count(),
  revoked: count(),
  removed: count(),
});

export const operatorSchema = z
  .strictObject({
    address: address(),
    nodes: nodeCounts,
    firstRegisteredAt: unixSeconds(),
    paymentAddresses: z.array(address()),
    sharedPaymentAddresses: z.array(address()).openapi({
      description:
        "Those of `paymentAddresses` that do not count as its own: another operator's node named them first, or several operators name a common payee.",
    }),
    revenue: z
      .array(
        z.strictObject({
          token: address(),
          raw: amount(),
          organic: amount().nullable().openapi({
            description: "Counts a payer for at most 1 OPG or 1 USDC a day; null for other tokens.",
          }),
          payments: count(),
          payers: count(),
          effectivePayers: z.number().nullable().openapi({
            description: "(Σv)² / Σv² over the payers' organic volumes.",
          }),
        }),
      )
      .nullable(),
    payers: count().nullable(),
  })
  .openapi("Operator");

export const networkSchema = z
  .strictObject({
    nodes: nodeCounts,
    operators: count(),
    heartbeats: count(),
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
    payments: count().nullable(),
    payers: count().nullable(),
    volume: z
      .array(z.strictObject({ token: address(), raw: amount(), organic: amount().nullable() }))
      .nullable(),
  })
  .openapi("Network");

export function operatorRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;
  const scopeOf = (registry: string | undefined) => ({
    registries: registriesMeant(settings, registry),
    commonPayees: settings.commonPayees,
    dailyOrganicCaps: settings.dailyOrganicCaps,
  });
  const registry = registryParameter().optional();

  defineRoute(
    app,
    {
      path: "/v1/operators",
      operationId: "listOperators",
      tag: "Accounts",
      summary: "Owners of nodes with their revenue, the newest first.",
      answers: "list",
      schema: operatorSchema,
      params: {},
      query: { ...listParameters, registry },
    },
    (context, { query }) =>
      answerList(
        service,
        context,
        { sources: BOTH, query, keyTypes: ["position", "log"], item: operatorSchema },
        (state, page) =>
          listOperators(
            state.transaction,
            state.moment("og"),
            state.optionalMoment("base"),
            scopeOf(query.registry),
            page,
          ),
      ),
  );

  defineRoute(
    app,
    {
      path: "/v1/operators/{address}",
      operationId: "getOperator",
      tag: "Accounts",
      problems: ["operator-not-found"],
      summary: "One operator.",
      answers: "one",
      schema: operatorSchema,
      params: { address: addressParameter() },
      query: { ...freshnessParameters, registry },
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: BOTH, query }, async (state) => {
        const operator = await findOperator(
          state.transaction,
          state.moment("og"),
          state.optionalMoment("base"),
          scopeOf(query.registry),
          params.address,
        );
        if (operator === null)
          throw new ApiError("operator-not-found", `address: no node's owner is "${params.address}"`, {
            parameter: "address",
            value: params.address,
          });
        return operator;
      }),
  );

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
      query: { ...freshnessParameters, registry },
    },
    (context, { query }) =>
      answerOne(service, context, { sources: { ...BOTH, proofs: "read" }, query }, (state) =>
        readNetwork(
          state.transaction,
          state.proofs,
          state.moment("og"),
          state.optionalMoment("base"),
          registriesMeant(settings, query.registry),
        ),
      ),
  );
}

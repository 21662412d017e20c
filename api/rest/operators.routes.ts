/** `/v1/operators`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { withDemand } from "../queries/operators/operatorRevenue.ts";
import {
  findOperators,
  listOperators,
  OPERATORS,
  type Operator,
  type OperatorScope,
} from "../queries/operators/operators.ts";
import type { AnswerState, Sources } from "../queries/state/answerState.ts";
import { type ApiService, operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { answerOne } from "./answer.ts";
import { answerList } from "./answerList.ts";
import { address, amount, count, nodeCountsSchema, tokenFields, unixSeconds } from "./fieldSchemas.ts";
import { groupIncludeParameter, includedMetrics, includingMetrics } from "./groupMetrics.ts";
import { addressParameter, freshnessParameters, listParameters, registryParameter } from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { tokenIncludeParameter } from "./tokenInfo.ts";

/** An operator's own page needs the verifier's findings for the metrics only. */
const sourcesOf = (include: readonly string[]): Sources =>
  include.includes("metrics") ? { ...OPERATORS.sources, proofs: "read" } : OPERATORS.sources;

const operatorFields = {
  address: address(),
  nodes: nodeCountsSchema,
  firstRegisteredAt: unixSeconds(),
  paymentAddresses: z.array(address()),
  sharedPaymentAddresses: z.array(address()),
  revenue: z
    .array(
      z.strictObject({
        ...tokenFields,
        raw: amount(),
        organic: amount().nullable(),
        payments: count(),
        payers: count().nullable(),
        effectivePayers: z.number().nullable(),
      }),
    )
    .nullable(),
  payers: count().nullable(),
};

export const operatorSchema = z.strictObject(operatorFields).openapi("Operator");

export const operatorDetailSchema = z
  .strictObject({ ...operatorFields, ...includedMetrics })
  .openapi("OperatorDetail");

export function operatorRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;
  const scopeOf = (registry: string | undefined) =>
    operatorScope(settings, resolveRegistries(settings, registry));
  const registry = registryParameter().optional();
  const demanded = (state: AnswerState, scope: OperatorScope, operators: readonly Operator[]) =>
    withDemand(state.transaction, state.moment("og"), state.optionalMoment("base"), scope, operators);

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
      query: { ...listParameters, registry, include: tokenIncludeParameter() },
    },
    (context, { query }) =>
      answerList(service, context, OPERATORS, { query, item: operatorSchema }, async (state, page) => {
        const scope = scopeOf(query.registry);
        const found = await listOperators(state.transaction, state.moment("og"), scope, page);
        return { ...found, items: await demanded(state, scope, found.items) };
      }),
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
      schema: operatorDetailSchema,
      params: { address: addressParameter() },
      query: { ...freshnessParameters, registry, include: groupIncludeParameter() },
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: sourcesOf(query.include), query }, async (state) => {
        const scope = scopeOf(query.registry);
        const found = await findOperators(state.transaction, state.moment("og"), scope, [params.address]);
        const [operator] = await demanded(state, scope, found);
        if (operator === undefined)
          throw new ApiError("operator-not-found", `address: no node's owner is "${params.address}"`, {
            parameter: "address",
            value: params.address,
          });
        const { registries } = scope;
        const owned = { registries, owner: params.address };
        return { ...operator, ...(await includingMetrics(state, settings, query.include, owned)) };
      }),
  );
}

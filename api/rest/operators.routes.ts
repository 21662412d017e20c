/** `/v1/operators`, `/v1/operators/:address` and `/v1/network`. */
import { z } from "@hono/zod-openapi";
import { ApiError } from "../errors.ts";
import { type GroupScope, MAX_GROUPED_NODES, readGroupMetrics } from "../queries/metrics/groupMetrics.ts";
import { NODE_WINDOW_NAMES } from "../queries/metrics/nodeMetrics.ts";
import { PRECISIONS } from "../queries/nodes/precision.ts";
import { MAX_PAYEES, readNetwork } from "../queries/operators/network.ts";
import { withDemand } from "../queries/operators/operatorRevenue.ts";
import {
  findOperators,
  listOperators,
  type Operator,
  type OperatorScope,
} from "../queries/operators/operators.ts";
import { MAX_JOINT_DAYS, MAX_JOINT_PAYERS } from "../queries/payments/revenueTotals.ts";
import type { AnswerState, Sources } from "../queries/state/answerState.ts";
import { type ApiService, operatorScope, resolveRegistries } from "../queries/state/service.ts";
import { answerList, answerOne } from "./answer.ts";
import { address, amount, count, tokenFields, tokenSchema, unixSeconds, volumeSchema } from "./fields.ts";
import { metricsSchema } from "./nodes.routes.ts";
import {
  addressParameter,
  freshnessParameters,
  listParameters,
  registryParameter,
  wordsParameter,
} from "./parameters.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { TOKEN_INCLUDE, tokenIncludeParameter } from "./tokenInfo.ts";

/** Base's part of these answers is null, and its headers are absent, while Base cannot be answered from. */
const BOTH = { required: ["og"], optional: ["base"] } as const;
/** An operator's own page needs the verifier's findings for the metrics only. */
const sourcesOf = (include: readonly Include[]): Sources =>
  include.includes("metrics") ? { ...BOTH, proofs: "read" } : BOTH;

const nodeCounts = z.strictObject({
  total: count(),
  active: count(),
  stale: count(),
  disabled: count(),
  revoked: count(),
  removed: count(),
});

const operatorFields = {
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
        ...tokenFields,
        raw: amount(),
        organic: amount()
          .nullable()
          .openapi({
            description: `Counts a payer for at most 1 OPG or 1 USDC a day; null for other tokens, and when payers paid several of its addresses on more than ${MAX_JOINT_DAYS} days in all.`,
          }),
        payments: count(),
        payers: count()
          .nullable()
          .openapi({
            description: `Distinct ones; null, as \`organic\` is then, when more than ${MAX_JOINT_PAYERS} paid several of its addresses.`,
          }),
        effectivePayers: z.number().nullable().openapi({
          description: "(Σv)² / Σv² over the payers' organic volumes.",
        }),
      }),
    )
    .nullable(),
  payers: count().nullable(),
};

export const operatorSchema = z.strictObject(operatorFields).openapi("Operator");

const INCLUDES = ["metrics", "token"] as const;
type Include = (typeof INCLUDES)[number];
const include = wordsParameter(
  INCLUDES,
  `\`metrics\`: what the nodes' metrics come to, by window. ${TOKEN_INCLUDE}`,
).default([]);

/** Of several nodes: `uptime` is the mean over those that existed in the window, the rest sums, percentiles those of all. */
export const groupMetricsSchema = metricsSchema
  .omit({ payers: true, revenue: true, probes: true, probeSuccess: true, probeP50Ms: true })
  .openapi("GroupMetrics");

const includedMetrics = {
  metrics: z
    .strictObject(Object.fromEntries(NODE_WINDOW_NAMES.map((window) => [window, groupMetricsSchema])))
    .nullable()
    .optional()
    .openapi({
      description: `Only with \`include=metrics\`; null for more than ${MAX_GROUPED_NODES} nodes, which are too many for one answer. The more nodes there are, the fewer settlements of each stand for its latencies and availability.`,
    }),
};

export const operatorDetailSchema = z
  .strictObject({ ...operatorFields, ...includedMetrics })
  .openapi("OperatorDetail");

export const networkSchema = z
  .strictObject({
    nodes: nodeCounts,
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

export function operatorRoutes(app: ApiApp, service: ApiService): void {
  const { settings } = service;
  const scopeOf = (registry: string | undefined) =>
    operatorScope(settings, resolveRegistries(settings, registry));
  const registry = registryParameter().optional();
  const [settlementRegistry = ""] = settings.registries;
  const demanded = (state: AnswerState, scope: OperatorScope, operators: readonly Operator[]) =>
    withDemand(state.transaction, state.moment("og"), state.optionalMoment("base"), scope, operators);
  /** The metrics, when they are asked for. */
  const included = async (state: AnswerState, asked: readonly Include[], scope: GroupScope) =>
    asked.includes("metrics")
      ? {
          metrics: await readGroupMetrics(
            state.transaction,
            state.moment("og"),
            { proofs: state.proofs, settlementRegistry },
            scope,
            NODE_WINDOW_NAMES,
          ),
        }
      : {};

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
      answerList(
        service,
        context,
        { sources: BOTH, query, keyTypes: ["position", "log"], item: operatorSchema },
        async (state, page) => {
          const scope = scopeOf(query.registry);
          const found = await listOperators(state.transaction, state.moment("og"), scope, page);
          return { ...found, items: await demanded(state, scope, found.items) };
        },
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
      schema: operatorDetailSchema,
      params: { address: addressParameter() },
      query: { ...freshnessParameters, registry, include },
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
        const metrics = await included(state, query.include, { registries, owner: params.address });
        return { ...operator, ...metrics };
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
      query: { ...freshnessParameters, registry, include },
    },
    (context, { query }) =>
      answerOne(service, context, { sources: { ...BOTH, proofs: "read" }, query }, async (state) => {
        const scope = scopeOf(query.registry);
        const totals = await readNetwork(
          state.transaction,
          state.proofs,
          state.moment("og"),
          state.optionalMoment("base"),
          scope,
        );
        const { registries } = scope;
        return { ...totals, ...(await included(state, query.include, { registries, owner: null })) };
      }),
  );
}

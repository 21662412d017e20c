/** `/v1/nodes` and `/v1/nodes/:teeId`. */
import { type MetricsSources, NODE_WINDOW_NAMES, withMetrics } from "../queries/metrics/nodeMetrics.ts";
import { listNodes, NODE_KEY_TYPES, NODE_SORTS, NODES } from "../queries/nodes/nodes.ts";
import type { AnswerState, Sources } from "../queries/state/answerState.ts";
import { FROM } from "../queries/state/list.ts";
import { type ApiService, type ApiSettings, resolveRegistries } from "../queries/state/service.ts";
import { pageOfRanked, rankNodes, withScores } from "../snapshot/leaderboard.ts";
import type { Snapshots } from "../snapshot/snapshots.ts";
import { answerOne } from "./answer.ts";
import { answerList } from "./answerList.ts";
import { filterParameters } from "./filterParameters.ts";
import {
  documentedItemSchema,
  KEY_FIELDS,
  LIST_WINDOWS,
  NODE_INCLUDES,
  nodeItemSchema,
  nodeSchema,
} from "./node.schema.ts";
import {
  atParameter,
  freshnessParameters,
  hashParameter,
  listParameters,
  oneOfParameter,
  refuseLargePage,
  registryParameter,
  wordsParameter,
} from "./parameters.ts";
import { oneRegistryParameter, requireNode } from "./requireNode.ts";
import { type ApiApp, defineRoute } from "./route.ts";
import { TOKEN_INCLUDE, tokenIncludeParameter } from "./tokenInfo.ts";

/** Every window of a node takes tens of milliseconds. */
const MAX_MEASURED = 50;

const withoutKeys = (node: object) =>
  Object.fromEntries(Object.entries(node).filter(([name]) => !(name in KEY_FIELDS)));

/** Revenue is null, and Base's headers are absent, while Base cannot be answered from. */
const WITH_METRICS = { ...FROM.ogAndMaybeBase, proofs: "read" } as const satisfies Sources;

/** What metrics are read from, as of a moment of both chains. */
const metricsSources = async (
  { registries, dailyOrganicCaps }: ApiSettings,
  state: AnswerState,
  at: number | undefined,
): Promise<MetricsSources> => ({
  settlementRegistry: registries[0] ?? "",
  proofs: state.proofs,
  base: await state.optionalMomentAt("base", at),
  dailyOrganicCaps,
});

export interface NodeRouteOptions extends ApiService {
  readonly snapshots: Snapshots;
}

export function nodeRoutes(app: ApiApp, service: NodeRouteOptions): void {
  const { settings, snapshots } = service;

  defineRoute(
    app,
    {
      path: "/v1/nodes",
      operationId: "listNodes",
      tag: "Nodes",
      summary: "Nodes now or at a past moment.",
      answers: "list",
      schema: documentedItemSchema,
      params: {},
      query: {
        ...listParameters,
        ...filterParameters(NODES),
        registry: registryParameter().optional(),
        at: atParameter(),
        sort: oneOfParameter(
          NODE_SORTS,
          "Highest or newest first; `uptime` and `inferences` are those of 24 h.",
        ).default("registeredAt"),
        include: wordsParameter(
          NODE_INCLUDES,
          `\`keys\`: public keys and certificates. \`metrics\`: every window, with at most ${MAX_MEASURED} items a page. ${TOKEN_INCLUDE}`,
        ).default([]),
      },
    },
    (context, { query }) => {
      const { registry, at, sort, include } = query;
      refuseLargePage(query, "metrics", MAX_MEASURED);
      const windows = include.includes("metrics") ? NODE_WINDOW_NAMES : LIST_WINDOWS;
      const keys = include.includes("keys") ? "with-keys" : "without-keys";
      return answerList(
        service,
        context,
        { sources: WITH_METRICS, keyTypes: NODE_KEY_TYPES[sort] },
        { query, item: nodeItemSchema(include) },
        async (state, page) => {
          const { transaction } = state;
          const moment = await state.momentAt(at);
          const registries = resolveRegistries(settings, registry);
          const filters = { ...query, registries };
          const sources = await metricsSources(settings, state, at);
          const source = { snapshots, transaction, moment };
          const nodes =
            sort === "score"
              ? await pageOfRanked(source, await rankNodes(source, settings.registries, filters), page, {
                  keys,
                })
              : await listNodes(transaction, moment, filters, sort, page, { keys }, sources);
          const scored = await withScores(source, nodes.items);
          const items = await withMetrics(transaction, moment, sources, scored, windows);
          if (keys === "with-keys") return { ...nodes, items };
          return { ...nodes, items: items.map(withoutKeys) };
        },
      );
    },
  );

  const nodeParams = { teeId: hashParameter() };
  defineRoute(
    app,
    {
      path: "/v1/nodes/{teeId}",
      operationId: "getNode",
      tag: "Nodes",
      problems: ["node-not-found"],
      summary: "One node with its keys and the metrics of every window.",
      answers: "one",
      schema: nodeSchema,
      params: nodeParams,
      query: {
        ...freshnessParameters,
        registry: oneRegistryParameter(),
        at: atParameter(),
        include: tokenIncludeParameter(),
      },
    },
    (context, { params, query }) =>
      answerOne(service, context, { sources: WITH_METRICS, query }, async (state) => {
        const moment = await state.momentAt(query.at);
        const sources = await metricsSources(settings, state, query.at);
        const detail = { keys: "with-keys" } as const;
        const node = await requireNode(state, moment, settings, params.teeId, query.registry, detail);
        const { transaction } = state;
        const scored = await withScores({ snapshots, transaction, moment }, [node]);
        const [measured] = await withMetrics(transaction, moment, sources, scored, NODE_WINDOW_NAMES);
        return measured ?? node;
      }),
  );
}

/** `/v1/nodes` and `/v1/nodes/:teeId`. */
import { NODE_WINDOW_NAMES, type NodeWindow } from "../queries/metrics/nodeMetrics.ts";
import { listNodes, NODE_KEY_TYPES, NODE_SORTS, NODES, type NodeDetail } from "../queries/nodes/nodes.ts";
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

/** Nodes with metrics, as of a moment of both chains. */
const detailAt = async (
  { registries, dailyOrganicCaps }: ApiSettings,
  state: AnswerState,
  at: number | undefined,
  windows: readonly NodeWindow[],
  keys: NodeDetail["keys"],
): Promise<NodeDetail> => ({
  windows,
  keys,
  settlementRegistry: registries[0] ?? "",
  proofs: state.proofs,
  demand: { base: await state.optionalMomentAt("base", at), dailyOrganicCaps },
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
          const detail = await detailAt(settings, state, at, windows, keys);
          const source = { snapshots, transaction, moment };
          const nodes =
            sort === "score"
              ? await pageOfRanked(
                  source,
                  await rankNodes(source, settings.registries, filters),
                  page,
                  detail,
                )
              : await listNodes(transaction, moment, filters, sort, page, detail);
          const items = await withScores(source, nodes.items);
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
        const detail = await detailAt(settings, state, query.at, NODE_WINDOW_NAMES, "with-keys");
        const node = await requireNode(state, moment, settings, params.teeId, query.registry, detail);
        const source = { snapshots, transaction: state.transaction, moment };
        const [scored] = await withScores(source, [node]);
        return scored ?? node;
      }),
  );
}

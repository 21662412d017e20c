/** Lists of nodes: their filter and orders. */

import {
  listNodes,
  NODE_KEY_TYPES,
  type NODE_SORTS,
  NODES,
  type Node,
  type NodeDetail,
  type NodeKey,
  type NodeQuery,
} from "../queries/nodes/nodes.ts";
import type { ReadTransaction } from "../queries/reading/database.ts";
import { countedItems } from "../queries/reading/listLength.ts";
import type { PageRequest } from "../queries/reading/page.ts";
import type { FilterValues } from "../queries/state/filters.ts";
import type { ListState } from "../queries/state/listState.ts";
import { resolveRegistries } from "../queries/state/service.ts";
import { pageOfRanked, rankNodes, type ScoredNodeQuery, type ScoreSource } from "../snapshot/leaderboard.ts";
import type { ScoredNode } from "../snapshot/registryScores.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect } from "./builder/connection.ts";
import { filterFields, filtersOf, numberWithin } from "./builder/filters.ts";
import type { PagingArguments } from "./execution/plan/paging.ts";
import { readsPage } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { NodeStatus } from "./nodeStatus.ts";
import { TeeNodeRef } from "./nodes.ts";

export const NodeSort = builder.enumType("NodeSort", {
  description: "Orders of nodes, highest or newest first; equal ones by registration, newest first.",
  values: {
    REGISTERED_AT: { value: "registeredAt", description: "By time of registration." },
    UPTIME: { value: "uptime", description: "By uptime of the last 24 hours; unknown ones last." },
    SCORE: { value: "score", description: "By score." },
    INFERENCES: { value: "inferences", description: "By inferences; unknown ones last." },
  } as const satisfies Record<string, { value: (typeof NODE_SORTS)[number]; description: string }>,
});

export const NodeFilter = builder.inputType("NodeFilter", {
  description: "Which nodes; all conditions must hold.",
  fields: (t) => ({
    registry: t.field({
      type: "Registry",
      description: "Nodes of this registry, or `all`. Default: the first configured registry.",
    }),
    ...filterFields(
      t,
      NODES.filters,
      { status: NodeStatus },
      {
        teeType: "Id of the TEE type, 0 to 255.",
        status: "What the node is at the moment asked about.",
        owner: "The operator's address.",
        paymentAddress: "Where the node wants to be paid.",
        pcrHash: "Hash of its PCRs, 32 bytes.",
      },
    ),
    minScore: t.float(),
    maxScore: t.float(),
  }),
});

export const TeeNodeConnection = builder.connectionObject(
  { type: TeeNodeRef, name: "TeeNodeConnection", description: "A page of nodes." },
  { description: "A node in a page." },
);

interface NodeArguments extends PagingArguments {
  readonly filter?: typeof NodeFilter.$inferInput | null | undefined;
  readonly sort?: typeof NodeSort.$inferInput | null | undefined;
}

/** Rows read to find nodes by a property: nodes are few, and their state lies in several tables, so all are looked through. */
const NODE_SCAN_ROWS = 20;

/** What the nodes of an object cost to list. */
export const nodesPage = readsPage(NODES.sources, 3, NODE_SCAN_ROWS);

/** What the object that a list of nodes belongs to fixes. */
type Fixed = FilterValues<typeof NODES.filters> & { readonly registries?: readonly string[] | null };

/** @param field - the field and the object it belongs to. */
export function nodes(
  view: View,
  field: string,
  args: NodeArguments,
  { registries, ...fixed }: Fixed = {},
): Connection<Scoped<Node>> {
  const { registry, minScore, maxScore } = args.filter ?? {};
  const filters = filtersOf(NODES.filters, args.filter, fixed);
  numberWithin("minScore", minScore, 0, 100);
  numberWithin("maxScore", maxScore, 0, 100);
  const query: ScoredNodeQuery = {
    ...filters,
    minScore: minScore ?? undefined,
    maxScore: maxScore ?? undefined,
    registries:
      registry == null && registries !== undefined
        ? registries
        : resolveRegistries(view.settings, registry ?? undefined),
  };
  const sort = args.sort ?? "registeredAt";
  const detail: NodeDetail = { keys: "without-keys" };
  const inferences = { proofs: view.proofs, settlementRegistry: view.state.currentRegistry };
  const ranking = new Ranking(view, query);
  const list = {
    ...NODES,
    keyTypes: NODE_KEY_TYPES[sort],
    read: async (
      transaction: ReadTransaction,
      _state: ListState,
      _wanted: ScoredNodeQuery,
      page: PageRequest,
    ) =>
      sort === "score"
        ? pageOfRanked(await ranking.source(), await ranking.ranked(), page, detail)
        : listNodes(transaction, await view.og(), await ranking.narrowed(), sort, page, detail, inferences),
  };
  return connect(view, args, list, {
    field,
    wanted: query,
    question: { ...query, sort },
    ...(sort === "score" ? { count: async () => countedItems((await ranking.ranked()).length) } : {}),
  });
}

/** The nodes of a list by score: ranked once, and only when the order or a bound of scores needs it. */
class Ranking {
  readonly #view: View;
  readonly #query: ScoredNodeQuery;
  #ranked: Promise<readonly ScoredNode[]> | undefined;

  constructor(view: View, query: ScoredNodeQuery) {
    this.#view = view;
    this.#query = query;
  }

  async source(): Promise<ScoreSource> {
    const { transaction, service } = this.#view.state;
    return { snapshots: service.snapshots, transaction, moment: await this.#view.og() };
  }

  ranked(): Promise<readonly ScoredNode[]> {
    const { settings } = this.#view.state;
    this.#ranked ??= this.source().then((source) => rankNodes(source, settings.registries, this.#query));
    return this.#ranked;
  }

  /** The query with its bounds on scores replaced by the nodes within them. */
  async narrowed(): Promise<NodeQuery> {
    const { minScore, maxScore, ...query } = this.#query;
    if (minScore === undefined && maxScore === undefined) return query;
    const among = (await this.ranked()).map(
      ({ registry, evidence }): NodeKey => ({ registry, teeId: evidence.teeId }),
    );
    return { ...query, among };
  }
}

builder.queryFields((t) => ({
  nodes: t.connection(
    {
      type: TeeNodeRef,
      nullable: true,
      description: "Nodes now or at a past moment.",
      args: {
        filter: t.arg({ type: NodeFilter, description: "Which nodes." }),
        sort: t.arg({ type: NodeSort, description: "Their order. Default: newest registration first." }),
        at: t.arg(AT),
      },
      extensions: readsPage(NODES.sources, 3),
      resolve: (_, args, { state }) => nodes(state.view(args.at), "Query.nodes", args),
    },
    TeeNodeConnection,
  ),
}));

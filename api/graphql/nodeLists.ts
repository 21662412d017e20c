/** Lists of nodes: filter, orders, pages. */

import {
  listNodes,
  NODE_KEY_TYPES,
  type NODE_SORTS,
  type Node,
  type NodeDetail,
  type NodeKey,
  type NodeQuery,
} from "../queries/nodes/nodes.ts";
import { countedItems } from "../queries/reading/listLength.ts";
import { resolveRegistries } from "../queries/state/service.ts";
import { pageOfRanked, rankNodes, type ScoredNodeQuery, type ScoreSource } from "../snapshot/leaderboard.ts";
import type { ScoredNode } from "../snapshot/registryScores.ts";
import { AT } from "./builder/arguments.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect } from "./builder/connection.ts";
import { filtersOf, numberWithin } from "./builder/filters.ts";
import type { PagingArguments } from "./execution/paging.ts";
import { FROM, readsPage } from "./execution/reads.ts";
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
    teeType: t.int({ description: "Id of the TEE type, 0 to 255." }),
    status: t.field({ type: NodeStatus, description: "What the node is at the moment asked about." }),
    owner: t.field({ type: "Address", description: "The operator's address." }),
    paymentAddress: t.field({ type: "Address", description: "Where the node wants to be paid." }),
    pcrHash: t.field({ type: "Hex", description: "Hash of its PCRs, 32 bytes." }),
    minScore: t.float({ description: "Lowest score, 0 to 100." }),
    maxScore: t.float({ description: "Highest score, 0 to 100." }),
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

/** Nodes are few, and what they are now is in several tables: finding some means to look through all. */
export const NODES_LOOKED_THROUGH = 20;

/** What a node list's owner fixes. */
type Fixed = Partial<Omit<NodeQuery, "registries" | "among">> & {
  readonly registries?: readonly string[] | null;
};

/** @param list - names the field, and the object it hangs on. */
export function nodes(
  view: View,
  list: string,
  args: NodeArguments,
  fixed: Fixed = {},
): Connection<Scoped<Node>> {
  const { state } = view;
  const { registries, ...narrowed } = fixed;
  const { registry, ...filters } = filtersOf(args.filter, narrowed);
  for (const name of ["minScore", "maxScore"] as const) numberWithin(name, filters[name], 0, 100);
  const query: ScoredNodeQuery = {
    ...filters,
    registries:
      registry === undefined && registries !== undefined
        ? registries
        : resolveRegistries(state.settings, registry),
  };
  const sort = args.sort ?? "registeredAt";
  const detail: NodeDetail = {
    windows: [],
    keys: "without-keys",
    settlementRegistry: state.currentRegistry,
    proofs: state.proofs,
  };
  const scores = new ScoredList(view, query);
  return connect(state, args, {
    list,
    parameters: { at: view.at, sort, ...query },
    keyTypes: NODE_KEY_TYPES[sort],
    sources: FROM.proofs,
    read: async (transaction, page) =>
      sort === "score"
        ? pageOfRanked(await scores.source(), await scores.ranked(), page, detail)
        : listNodes(transaction, await view.og(), await scores.narrowed(), sort, page, detail),
    ...(sort === "score" ? { count: async () => countedItems((await scores.ranked()).length) } : {}),
    show: (node) => view.show(node),
  });
}

/** A list's nodes by their scores: looked at once, and only when the list asks for it. */
class ScoredList {
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

  /** The query without its bounds of scores, but with the nodes that they leave. */
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
      extensions: readsPage(FROM.proofs, 3),
      resolve: (_, args, { state }) => nodes(state.view(args.at), "Query.nodes", args),
    },
    TeeNodeConnection,
  ),
}));

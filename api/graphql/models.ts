/** Model: what inferences were run with. */

import { INFERENCES } from "../queries/inferences/inferences.ts";
import { type MODEL_SORTS, MODELS, type Model } from "../queries/inferences/models.ts";
import { builder } from "./builder/builder.ts";
import { type Connection, connect, connectFiltered } from "./builder/connection.ts";
import { filtersOf } from "./builder/filters.ts";
import type { PagingArguments } from "./execution/plan/paging.ts";
import { readsPage } from "./execution/plan/reads.ts";
import type { Scoped, View } from "./execution/state.ts";
import { InferenceConnection, inferenceList } from "./inferenceLists.ts";

const ModelRef = builder.objectRef<Scoped<Model>>("Model");

const ModelConnection = builder.connectionObject(
  { type: ModelRef, name: "ModelConnection", description: "A page of models." },
  { description: "A model in a page." },
);

ModelRef.implement({
  description:
    "A model, as payloads of individual settlements name it; its figures are of the window asked for.",
  fields: (t) => ({
    name: t.exposeString("model", { description: "Its name, sanitised." }),
    inferenceCount: t.expose("inferences", {
      type: "Long",
      description: "Distinct inferences with a valid signature of a node registered by then; a count.",
    }),
    promptTokens: t.expose("promptTokens", { type: "Long", nullable: true }),
    completionTokens: t.expose("completionTokens", { type: "Long", nullable: true }),
    nodeCount: t.expose("nodes", { type: "Long", description: "Distinct nodes that ran it; a count." }),
    firstSeenAt: t.expose("firstSeenAt", { type: "Timestamp", nullable: true }),
    lastSeenAt: t.expose("lastSeenAt", { type: "Timestamp", nullable: true }),
    inferences: t.connection(
      {
        ...inferenceList,
        description: "Inferences run with it, newest signed first, whatever the window.",
        resolve: ({ model, view }, args) =>
          connectFiltered(INFERENCES, view, "Model.inferences", args, { model }),
      },
      InferenceConnection,
    ),
  }),
});

export const ModelSort = builder.enumType("ModelSort", {
  description: "Orders of models; equal ones by name, last first.",
  values: {
    LAST_SEEN_AT: { value: "lastSeenAt", description: "Those whose inferences were signed last first." },
    INFERENCES: { value: "inferences", description: "Those with most inferences first." },
  } as const satisfies Record<string, { value: (typeof MODEL_SORTS)[number]; description: string }>,
});

interface ModelArguments extends PagingArguments {
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly sort?: typeof ModelSort.$inferInput | null | undefined;
}

function models(view: View, { from, to, sort, ...args }: ModelArguments): Connection<Scoped<Model>> {
  const wanted = { ...filtersOf(MODELS.filters, { from, to }), sort: sort ?? ("lastSeenAt" as const) };
  return connect(view, args, MODELS, { field: "Query.models", wanted });
}

builder.queryFields((t) => ({
  models: t.connection(
    {
      type: ModelRef,
      nullable: true,
      description:
        "Models that inferences were run with, as payloads of individual settlements tell. Pages take the counts as they are when asked for.",
      args: {
        from: t.arg({
          type: "Timestamp",
          description: "Signed at or after this, unix seconds; not after `to`.",
        }),
        to: t.arg({ type: "Timestamp", description: "Signed before this, unix seconds." }),
        sort: t.arg({ type: ModelSort, description: "Their order. Default: seen last first." }),
      },
      extensions: readsPage(MODELS.sources, 20),
      resolve: (_, args, { state }) => models(state.view(null), args),
    },
    ModelConnection,
  ),
}));

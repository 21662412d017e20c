/** Lists of models. */
import { listModels, type MODEL_SORTS, type Model } from "../../queries/inferences/models.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen, View } from "../execution/view.ts";
import { refuseBackwards } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";

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

export function models(view: View, args: ModelArguments): Connection<Seen<Model>> {
  const { state } = view;
  const sort = args.sort ?? "lastSeenAt";
  const range = { from: args.from ?? undefined, to: args.to ?? undefined };
  refuseBackwards(range);
  return connect(state, args, {
    list: "Query.models",
    parameters: { at: view.at, sort, ...range },
    keyTypes: ["position", "text"],
    sources: FROM.proofs,
    read: async (transaction, page) =>
      listModels(transaction, state.proofs, await view.og(), range, sort, page),
    show: (model) => view.show(model),
  });
}

/** The leaves of a batch. */
import { type Leaf, listLeaves } from "../../queries/settlements/leaves.ts";
import type { Settlement } from "../../queries/settlements/settlements.ts";
import { builder } from "../builder.ts";
import { type Connection, connect } from "../connection.ts";
import type { Seen } from "../execution/view.ts";
import { filtersOf } from "../filters.ts";
import type { PagingArguments } from "../paging.ts";
import { FROM } from "../reads.ts";

export const LeafVerdict = builder.enumType("LeafVerdict", {
  description: "What checking a leaf showed.",
  values: {
    VALID: { value: "valid", description: "Signed by the node, which was registered by then." },
    INVALID: {
      value: "invalid",
      description: "Not signed by the node: the relayer's fault, not the node's.",
    },
    UNKNOWN_NODE: {
      value: "unknown-node",
      description: "No such node was registered by then, or no registry has shown its key.",
    },
  } as const,
});

export const LeafFilter = builder.inputType("BatchLeafFilter", {
  description: "Which leaves; all conditions must hold.",
  fields: (t) => ({
    verdict: t.field({ type: LeafVerdict, description: "What checking showed." }),
  }),
});

interface LeafArguments extends PagingArguments {
  readonly filter?: typeof LeafFilter.$inferInput | null | undefined;
}

export function leaves(settlement: Seen<Settlement>, args: LeafArguments): Connection<Seen<Leaf>> {
  const { view, id } = settlement;
  const filters = filtersOf(args.filter, {});
  return connect(view.state, args, {
    list: "Settlement.leaves",
    parameters: { at: view.at, id, ...filters },
    keyTypes: ["log"],
    sources: FROM.proofs,
    read: async (transaction, page) =>
      listLeaves(transaction, view.state.proofs, await view.og(), settlement, filters, page),
    show: (leaf) => view.show(leaf),
  });
}
